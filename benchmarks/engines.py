"""What each network of the blind path takes with PyTorch and with ncnn, and how far their results differ.

    python -m benchmarks.engines [--weights saved_models/generator.pth] [--threads 1] [--runs 8]

Milliseconds for one picture of 320x240 (padded as the network needs it), float32, the least of several runs, taken in
turn. Needs requirements-fast.txt.
"""

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import torch

from benchmarks.budget import SIZE
from restore.engines.cache import cached
from restore.engines.ncnn_network import NcnnNetwork
from restore.models.padded import PaddedNetwork
from restore.models.weights import load_models, load_segmenter
from restore.shipped import WEIGHTS


def compared(network: PaddedNetwork, folder: Path, runs: int) -> tuple[float, float, float]:
    """Milliseconds with PyTorch, with ncnn, and the largest difference relative to the largest value."""
    engine = NcnnNetwork(cached(network, folder, "network"))
    network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    height, width = (-(-side // network.multiple) * network.multiple for side in SIZE)
    whole, *features = network.examples()
    inputs = [torch.randn(1, whole.shape[1], height, width)]
    for feature in features:
        shrink = whole.shape[2] // feature.shape[2]
        inputs.append(torch.randn(1, feature.shape[1], height // shrink, width // shrink))
    inputs = [x.contiguous(memory_format=torch.channels_last) for x in inputs]
    took: dict[bool, list[float]] = {False: [], True: []}
    with torch.inference_mode():
        wanted, got = network.whole(*inputs), engine(*inputs)
        for _ in range(runs):
            for accelerated, compute in ((False, network.whole), (True, engine)):
                start = perf_counter()
                compute(*inputs)
                took[accelerated].append(perf_counter() - start)
    difference = (got - wanted).abs().max() / wanted.abs().max()
    return 1e3 * min(took[False]), 1e3 * min(took[True]), difference.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS / "generator.pth")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    models = load_models(args.weights, ("generator", "finder"))
    networks = {
        "generator": models["generator"].unet,
        "finder": models["finder"].unet,
        "segmenter": load_segmenter(WEIGHTS / "segmenter.pth"),
    }
    print(f"{torch.backends.cpu.get_cpu_capability()}, {args.threads} threads")
    print("| network | PyTorch, ms | ncnn, ms | difference |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, network in networks.items():
            assert isinstance(network, PaddedNetwork)
            slow, fast, difference = compared(network, Path(folder) / name, args.runs)
            print(f"| {name} | {slow:.0f} | {fast:.0f} | {difference:.0e} |", flush=True)


if __name__ == "__main__":
    main()
