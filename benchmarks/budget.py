"""What each network of the blind path costs a frame of 320x240: multiply-adds, parameters and time on one core.

    python -m benchmarks.budget [--weights saved_models/generator.pth] [--runs 5]

All of them have to stay within 7 GMAC: an ordinary CPU core without matrix units computes 30 to 36 GMAC in a second.
The segmenter is looked for in the folder of the weights; below the sum are the generators that train.py can begin
with. The time is the least of several runs, in float32.
"""

import argparse
from pathlib import Path
from time import perf_counter

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import CHANNELS as SURROUNDINGS
from restore.models.weights import load_models, load_segmenter
from restore.pipeline import WEIGHTS
from restore.propagation.evidence import CHANNELS

SIZE = 240, 320
BUDGET = 7.0  # GMAC


def measured(model: nn.Module, channels: int, runs: int) -> tuple[float, float]:
    """GMAC and milliseconds of one frame that has `channels`."""
    # All is hidden: where nothing is, and there is no noise, a gated generator is not called.
    x = torch.ones(1, channels, *SIZE).contiguous(memory_format=torch.channels_last)
    model = model.eval().to(memory_format=torch.channels_last)
    took = []
    with torch.inference_mode():
        for _ in range(runs):
            start = perf_counter()
            model(x)
            took.append(perf_counter() - start)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    return counter.get_total_flops() / 2e9, 1e3 * min(took)


def row(name: str, model: nn.Module, channels: int, runs: int) -> float:
    """Print a row of the table. Returns its GMAC."""
    gmac, milliseconds = measured(model, channels, runs)
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    print(f"| {name} | {type(model).__name__} | {gmac:.2f} | {parameters:.2f} | {milliseconds:.0f} |")
    return gmac


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS / "generator.pth")
    parser.add_argument("--runs", type=int, default=5)
    settings = parser.parse_args()
    torch.set_num_threads(1)

    models = load_models(settings.weights, ("generator", "finder"))
    channels = {"generator": 3 if isinstance(models["generator"], Pix2PixUNet) else CHANNELS, "finder": 9}
    if (path := settings.weights.with_name("segmenter.pth")).exists():
        models["segmenter"], channels["segmenter"] = load_segmenter(path), SURROUNDINGS
    print("| network | class | GMAC | M parameters | ms |\n|---|---|---|---|---|")
    total = sum(row(name, model, channels[name], settings.runs) for name, model in models.items())
    print(f"| all | | {total:.2f} of {BUDGET:.0f} | | |")
    for generator, read in ((UNetGenerator(), CHANNELS), (GatedGenerator(), CHANNELS), (Pix2PixUNet(), 3)):
        row("to train", generator, read, settings.runs)


if __name__ == "__main__":
    main()
