"""Whatever bytes a file holds: what reads it returns what it should, or raises one line of ours that ends in the path.

A few seconds in the suite, always with the same examples. New ones for a minute, or as long as is wanted:

    FUZZ=minute python -m pytest tests/test_any_bytes.py
    FUZZ=hour python -m pytest tests/test_any_bytes.py -k reader
"""

import json
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir()) / "hypothesis"))  # read once

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restore.config import parse
from restore.errors import ConfigError, InputError, VideoError, WeightsError
from restore.inference.report import KINDS, is_result, read_reports, seal
from restore.inference.verify import verify
from restore.models.weights import load_models
from restore.video import avi, image_size, matroska, mp4
from restore.video.clip import stated_frames
from restore.video.encryption import is_encrypted
from restore.video.images import read_image
from restore.video.limits import PIXELS
from restore.video.mask import MaskCheck
from restore.video.reader import VideoReader
from restore.video.truncation import bytes_missing
from tests.mutate import mutated
from tests.video.make import make_video, noise, picture

EXAMPLES = {"suite": 1, "minute": 15, "hour": 900}[os.environ.get("FUZZ", "suite")]
NEW = EXAMPLES > 1


def examples(count: int) -> settings:
    """`count` examples in the suite, the same each time; nothing is kept in a folder."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=count * EXAMPLES, derandomize=not NEW, database=None, deadline=None, suppress_health_check=checks
    )


NUMBERS = st.integers(0, 2**32 - 1)
VIDEOS = ["a.mp4", "b.mkv", "c.avi", "d.webm", "e.ts", "f.mov"]
IMAGES = [".png", ".jpg", ".bmp", ".tif", ".webp"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Whole files by name, of all kinds that are read."""
    folder = tmp_path_factory.mktemp("whole")
    for name in VIDEOS:
        codec = {".ts": "mpeg2video", ".mov": "mjpeg"}.get(Path(name).suffix)
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        sound = {"seconds_of_sound": 0.2} if Path(name).suffix in (".mp4", ".mkv", ".avi") else {}
        make_video(folder / name, range(6), draw=noise, codec=codec, pix_fmt=pixels, **sound)
    for suffix in IMAGES:
        cv2.imwrite(str(folder / f"image{suffix}"), picture(0, 20, 12))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refusal(path: Path, error: type[InputError], read: Callable[[], object]) -> str | None:
    """What is said of a file: one line that ends in its path; None if it is read."""
    try:
        with warnings.catch_warnings(action="ignore"):
            read()
    except error as caught:
        text = str(caught)
        assert "\n" not in text and text.endswith(str(path)) and len(text) < 600 + len(str(path)), text
        return text
    return None


@examples(60)
@given(st.sampled_from(VIDEOS), st.sampled_from(VIDEOS), NUMBERS)
def test_the_reader(tmp_path: Path, files: dict[str, bytes], name: str, other: str, number: int) -> None:
    path = tmp_path / f"clip{Path(name).suffix}"
    path.write_bytes(mutated(files[name], files[other], Random(number))[0])
    stated_frames(path)

    def read() -> None:
        with VideoReader(path) as reader:
            last = None
            for frame in reader:
                assert frame.image.shape == (reader.info.height, reader.info.width, 3)
                assert frame.image.dtype == np.uint8 and frame.image.size <= 3 * PIXELS
                assert last is None or frame.pts > last
                last = frame.pts
            assert last is not None and (reader.broken is None or "frames could be read" in reader.broken)

    refusal(path, VideoError, read)


@examples(50)
@given(st.sampled_from(IMAGES), st.sampled_from(IMAGES), NUMBERS)
def test_images_and_masks(tmp_path: Path, files: dict[str, bytes], name: str, other: str, number: int) -> None:
    path = tmp_path / f"mask{name}"
    data = mutated(files[f"image{name}"], files[f"image{other}"], Random(number))[0]
    path.write_bytes(data)
    if refusal(path, VideoError, lambda: read_image(path)) is None:
        assert read_image(path).shape[:2] in ((size := image_size.stated_size(data)), (size or (0, 0))[::-1])
    refusal(path, VideoError, lambda: MaskCheck.of(path))


@examples(80)
@given(st.sampled_from([b"", b"\0\0\0\x20moov", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67", b"RIFF"]), st.binary())
def test_what_looks_into_headers(tmp_path: Path, begin: bytes, rest: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(begin + rest)
    assert bytes_missing(path) >= 0
    is_encrypted(path)
    assert mp4.stated_cropping(path, 1).fits(1 << 17, 1 << 17) and matroska.stated_cropping(path) is not None
    for size in (mp4.stated_size(path, 1), matroska.stated_size(path), avi.stated_size(path)):
        assert min(size) >= 0
    image_size.stated_size(begin + rest)


@examples(25)
@given(NUMBERS)
def test_the_loader_of_weights(tmp_path: Path, tiny_weights: Path, number: int) -> None:
    path, whole = tmp_path / "generator.pth", tiny_weights.read_bytes()
    path.write_bytes(mutated(whole, whole, Random(number))[0])

    def read() -> None:
        loaded, expected = (load_models(one, ("generator", "finder")) for one in (path, tiny_weights))
        for name, model in loaded.items():
            for key, value in model.state_dict().items():
                assert torch.equal(value, expected[name].state_dict()[key]), "damage is noticed, or does no harm"

    refusal(path, WeightsError, read)


@dataclass
class Settings:
    data_dir: str = "videos"
    epochs: int = 50
    rates: list[float] = field(default_factory=list)


@examples(40)
@given(
    st.text(alphabet="[]{}&*!:-, \n\t<#|>'\"%@`\0\ud800é\x85a1"),
    st.sampled_from(["", "epochs: ", "rates: [1, ", "data_dir: *a"]),
)
def test_profiles(tmp_path: Path, text: str, begin: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(begin + text, encoding="utf-8", errors="surrogatepass")
    refusal(path, ConfigError, lambda: parse(Settings, ["--config", str(path)]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet="a1/.\n\0é", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KINDS, "psnr"]), inner, max_size=3),
    max_leaves=6,
)


@examples(40)
@given(
    st.dictionaries(st.sampled_from([*KINDS, "sha256", "versions", "settings", "seal"]), JSON),
    st.dictionaries(st.sampled_from(["input", "output", "mask", "weights", "side_files"]), JSON),
    st.booleans(),
)
def test_reports(tmp_path: Path, fields: dict[str, Any], digests: dict[str, Any], whole: bool) -> None:
    path = tmp_path / "clip_restored.json"
    if whole:  # of a report all that is asked for first
        fields = {name: fields.get(name) for name in KINDS} | fields | {"input": "a", "output": "clip_restored.mp4"}
        fields |= {"stages": [], "side_files": [], "sha256": digests, "versions": {}, "settings": {}}
    try:
        fields["seal"] = seal(fields)
    except ValueError:  # numbers that are none
        return
    path.write_text(json.dumps(fields), encoding="utf-8")
    is_result(path.with_suffix(".mp4"))
    read_reports(path.with_suffix(".mp4"))
    refusal(path, ConfigError, lambda: list(verify(path)))
