"""`--max_memory`: what is chosen for how much, that it changes nothing, and what becomes of too little."""

import json
import mmap
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from restore.errors import ConfigError, RestoreError
from restore.inference.files import restore_file
from restore.inference.memory import PROCESS, ROWS, STEPS, Memory, free_memory, is_out_of_memory
from restore.inference.memory_size import memory_size
from restore.inference.until_it_fits import until_it_fits
from restore.memory_plan import WHOLE
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator
from restore.models.segmenter import Segmenter
from restore.pipeline import Restorer
from restore.video.reader import VideoReader
from tests.inference.command import Command, good, left_in
from tests.models.test_generator import TINY
from tests.models.test_noise_network import random_network
from tests.video.make import make_video, noise

HD = 1080, 1920
FRAMES = 8


def blobs(frame: int, width: int, height: int) -> np.ndarray:
    """Noise before which a box moves."""
    picture = noise(0, width, height) // 4 + noise(frame, width, height) // 8 + np.uint8(60)
    picture[height // 3 : height // 2, 20 + 4 * frame : 150 + 4 * frame] = 128
    return picture


def box(frame: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((height, width, 3), np.uint8)
    mask[height // 3 : height // 2, 20 + 4 * frame : 150 + 4 * frame] = 255
    return mask


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    """One whose output depends on all that its networks read."""
    torch.manual_seed(0)
    generator, finder, segmenter = GatedGenerator(**TINY), OcclusionFinder(**TINY), Segmenter(**TINY)
    for model in (generator, finder, segmenter):
        nn.init.normal_(model.unet.tail.weight, std=0.3)
    noise = random_network()
    return Restorer(generator, finder, segmenter=segmenter, noise=noise, device="cpu", precision="float32")


def restored(restorer: Restorer, out: Path, memory: Memory, *, mask: bool, size: tuple[int, int]) -> dict[str, Any]:
    """The report of a clip that is restored losslessly, with its frames and its mask."""
    out.mkdir(exist_ok=True)
    clip = make_video(out / "clip.mkv", range(FRAMES), size=size, draw=blobs, codec="ffv1", pix_fmt="bgr0")
    given = (
        make_video(out / "mask.mkv", range(FRAMES), size=size, draw=box, codec="ffv1", pix_fmt="bgr0") if mask else None
    )
    report = restore_file(
        restorer,
        clip,
        out / "r.mkv",
        mask=given,
        mask_mode="given" if mask else "all",
        lossless=True,
        write_mask=out / "m.mkv",
        memory=memory,
    )
    return report | {"frames": frames(out / "r.mkv"), "hidden": frames(out / "m.mkv")}


def frames(path: Path) -> np.ndarray:
    with VideoReader(path) as reader:
        return np.stack([frame.image for frame in reader]).astype(int)


@pytest.mark.parametrize("text", ["0", "3X", "much", "", "0M", "1e9"])
def test_what_is_no_amount_is_refused_in_one_line(
    run: Command, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert run(**good(tmp_path), max_memory=text) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "max_memory" in line and "3G" in line
    assert left_in(out) == []


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="max_memory is -3G, expected more than 0"):
        memory_size("-3G")


def test_too_little_is_refused_with_the_least(
    run: Command, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(**good(tmp_path), max_memory="20M") == 2
    (line,) = capsys.readouterr().err.splitlines()
    least = re.search(r"max_memory is 20M, and a video of \d+x\d+ takes ([\d.]+[MG]) at least", line)
    assert least and left_in(out) == []
    assert run(**good(tmp_path), max_memory=least[1], engine="torch") == 0


@pytest.mark.parametrize("finds", [True, False])
@pytest.mark.parametrize("number", range(len(STEPS)))
def test_the_plan_is_the_largest_that_fits(tmp_path: Path, number: int, finds: bool) -> None:
    step = STEPS[number]
    needed = step.bytes(HD[0] * HD[1], finds=finds)
    plan = Memory(needed).plan(*HD, finds=finds, folder=tmp_path)
    assert (plan.rows, plan.threads, plan.shelf is not None) == (step.rows, step.threads, step.in_files)
    if number + 1 < len(STEPS):
        less = Memory(needed - 1).plan(*HD, finds=finds, folder=tmp_path)
        assert (less.rows, less.threads, less.shelf is not None) != (plan.rows, plan.threads, plan.shelf is not None)
    else:
        with pytest.raises(ConfigError, match="at least"):
            Memory(needed - 1).plan(*HD, finds=finds, folder=tmp_path)


def test_each_step_takes_less_than_the_one_before() -> None:
    for finds in (True, False):
        needed = [step.bytes(HD[0] * HD[1], finds=finds) for step in STEPS]
        assert needed == sorted(set(needed), reverse=True) and needed[-1] > PROCESS


def test_by_default_it_is_what_is_free(tmp_path: Path) -> None:
    assert free_memory() > 100 << 20
    assert Memory().plan(48, 64, finds=True, folder=tmp_path) == WHOLE
    # More than any machine has: the least.
    plan = Memory().plan(1 << 20, 1 << 20, finds=True, folder=tmp_path)
    assert plan.rows == STEPS[-1].rows and plan.shelf is not None


def test_what_may_be_addressed_is_a_limit() -> None:
    """`ulimit -v`."""
    pages, own = (int(number) for number in Path("/proc/self/statm").read_text().split()[:2])
    before, room = resource.getrlimit(resource.RLIMIT_AS), 300 << 20
    resource.setrlimit(resource.RLIMIT_AS, (pages * mmap.PAGESIZE + room, before[1]))
    try:
        free = free_memory()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert room / 2 < free - own * mmap.PAGESIZE < 1.5 * room < free_memory() - own * mmap.PAGESIZE


@pytest.mark.parametrize("mask", [True, False])
def test_what_is_restored_is_the_same_in_any_memory(restorer: Restorer, tmp_path: Path, mask: bool) -> None:
    size = 640, 420  # of which a plane of float32 is large enough for a file
    pixels = size[0] * size[1]
    whole = restored(restorer, tmp_path / "whole", Memory(), mask=mask, size=size)
    assert whole["strips"] is None and (whole["hidden"] > 0).any()
    assert np.abs(whole["frames"] - frames(tmp_path / "whole" / "clip.mkv")).max() > 10
    in_strips = [
        restored(restorer, tmp_path / name, Memory(STEPS[number].bytes(pixels, finds=not mask)), mask=mask, size=size)
        for number, name in ((1, "in memory"), (2, "in files"))
    ]
    for less in in_strips:
        assert less["strips"] == ROWS
        assert np.array_equal(less["hidden"], whole["hidden"])
        assert np.abs(less["frames"] - whole["frames"]).max() <= 1
    assert np.array_equal(*(less["frames"] for less in in_strips))


def test_what_runs_out_of_memory_is_restored_as_if_it_had_been_planned_so(restorer: Restorer, tmp_path: Path) -> None:
    size, asked = (320, 240), []

    def greedy(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """What a network asks for that computes a picture whole is more than any machine has."""
        asked.append(inputs[0].shape)
        torch.empty(1 << 50)

    memory = Memory()
    assert restorer.generator is not None
    hook = restorer.generator.unet.register_forward_pre_hook(greedy)
    try:
        with pytest.warns(UserWarning, match=r"out of memory \(.*allocate memory.*restoring again with less"):
            report = until_it_fits(lambda: restored(restorer, tmp_path / "a", memory, mask=False, size=size), memory)
    finally:
        hook.remove()
    assert len(asked) == 1 and report["strips"] == ROWS
    planned = restored(restorer, tmp_path / "b", Memory(strips=ROWS), mask=False, size=size)
    assert np.array_equal(planned["frames"], report["frames"])
    assert (tmp_path / "a" / "r.mkv").read_bytes() == (tmp_path / "b" / "r.mkv").read_bytes()


def test_with_the_least_it_stops_in_one_line() -> None:
    tried = []

    def greedy() -> None:
        tried.append(1)
        np.empty(1 << 60, np.uint8)

    with pytest.warns(UserWarning, match="out of memory"), pytest.raises(RestoreError, match="the same command goes"):
        until_it_fits(greedy, Memory())
    assert len(tried) == len(STEPS)


def test_other_errors_are_not_tried_again() -> None:
    tried = []

    def broken() -> None:
        tried.append(1)
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        until_it_fits(broken, Memory())
    assert len(tried) == 1
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))


def test_a_run_in_strips_is_done_again_by_its_report(
    run: Command, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from restore.__main__ import main

    clip = make_video(tmp_path / "clip.mp4", range(6), size=(96, 64), draw=blobs)
    most = STEPS[1].bytes(96 * 64, finds=True)
    assert most < STEPS[0].bytes(96 * 64, finds=True)
    assert run(degraded_video=clip, max_memory=most, engine="torch", precision="float32") == 0
    report = out / "clip_restored.json"
    assert json.loads(report.read_text())["strips"] == ROWS
    assert main(["verify", str(report), "--again"]) == 0
    assert "to the same bytes" in capsys.readouterr().out
