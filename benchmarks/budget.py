"""What each network of the blind path costs a frame of 320x240: multiply-adds, parameters and time on one core.

    python -m benchmarks.budget [--weights saved_models/generator.pth] [--runs 5] [--clips CLIPS] [--frames 24]

All of them have to stay within 7 GMAC: an ordinary CPU core without matrix units computes 30 to 36 GMAC in a second.
The segmenter and the noise network are looked for in the folder of the weights. The segmenter looks at every fourth
frame at least, so that the sum counts a quarter of it, the noise network at noisy frames alone. Below are the
generators that train.py can begin with. The time is the least of several runs, in float32.

With clips: what is spent on them in fact, in GMAC a frame, as they are, blurred and noisy, and with moving boxes,
too; and which share of the frames segmenter and generator are called for.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from restore.degradations.degrade import Ranges, degrade
from restore.detection.detect import SEGMENTER_FRAMES
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.noise_network import READ
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import CHANNELS as SURROUNDINGS
from restore.models.weights import load_models, load_noise, load_segmenter
from restore.pipeline import Restorer
from restore.propagation.evidence import CHANNELS
from restore.shipped import WEIGHTS
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

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


class Calls:
    """Counts the frames that a network is called for."""

    def __init__(self, model: nn.Module) -> None:
        self.frames = 0
        model.register_forward_hook(self._count)

    def _count(self, model: nn.Module, inputs: tuple[Tensor, ...], result: Tensor) -> None:
        self.frames += len(inputs[0])


def spent(restorer: Restorer, clips: Sequence[np.ndarray], costs: dict[str, float]) -> str:
    """What is spent on clips uint8 `T H W 3` of `SIZE`, as a row."""
    networks = {"generator": restorer.generator.unet, "finder": restorer.finder, "segmenter": restorer.segmenter}
    calls = {name: Calls(network) for name, network in networks.items() if isinstance(network, nn.Module)}
    for clip in clips:
        for _ in restorer.restore_frames(clip):
            pass
    shares = {name: call.frames / sum(map(len, clips)) for name, call in calls.items()}
    total = sum(costs[name] * share for name, share in shares.items())
    return f"{total:.2f} | {100 * shares['segmenter']:.0f} | {100 * shares['generator']:.0f}"


def degraded(clip: np.ndarray, seed: int, kind: str | None) -> np.ndarray:
    """Blurred and noisy as is typical, with boxes of a kind or without."""
    generator = torch.Generator().manual_seed(seed)
    x = to_float(clip)[None]
    clear = torch.zeros_like(x[:, :, :1]) if kind is None else None
    ranges = Ranges(typical_share=1, compressed_share=0)
    return to_uint8(degrade(x, generator=generator, ranges=ranges, kind=kind, mask=clear)[0][0])


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
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    settings = parser.parse_args()
    torch.set_num_threads(1)

    models = load_models(settings.weights, ("generator", "finder"))
    channels = {"generator": 3 if isinstance(models["generator"], Pix2PixUNet) else CHANNELS, "finder": 9}
    if (path := settings.weights.with_name("segmenter.pth")).exists():
        models["segmenter"], channels["segmenter"] = load_segmenter(path), SURROUNDINGS
    if (path := settings.weights.with_name("noise.pth")).exists():
        models["noise"], channels["noise"] = load_noise(path).unet, READ
    print("| network | class | GMAC | M parameters | ms |\n|---|---|---|---|---|")
    costs = {name: row(name, model, channels[name], settings.runs) for name, model in models.items()}
    total = sum(cost / (SEGMENTER_FRAMES if name == "segmenter" else 1) for name, cost in costs.items())
    print(f"| all, the segmenter at every fourth frame | | {total:.2f} of {BUDGET:.0f} | | |")
    for generator, read in ((UNetGenerator(), CHANNELS), (GatedGenerator(), CHANNELS), (Pix2PixUNet(), 3)):
        row("to train", generator, read, settings.runs)

    if settings.clips:
        clips = [
            np.stack([cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_AREA) for image in clip])
            for clip in (read_clip(path, 0, settings.frames) for path in find_videos(settings.clips))
        ]
        print("| clips | GMAC a frame | segmenter, % | generator, % |\n|---|---|---|---|")
        for name, kind in (("as they are", ""), ("blurred, noisy", None), ("blurred, noisy, moving boxes", "moving")):
            changed = [clip if kind == "" else degraded(clip, seed, kind) for seed, clip in enumerate(clips)]
            print(f"| {name} | {spent(Restorer.from_pretrained(settings.weights), changed, costs)} |", flush=True)


if __name__ == "__main__":
    main()
