"""Image files as the frames of a video."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.images import ImageReader, read_image
from tests.video.make import picture


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_an_image_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a%03d{suffix}", picture(3, 33, 21))
    assert np.array_equal(read_image(path), picture(3, 33, 21))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_a_lossy_image_nearly(tmp_path: Path, suffix: str) -> None:
    image = read_image(save(tmp_path / f"a{suffix}", picture(3)))
    assert np.abs(image.astype(int) - picture(3)).mean() < 4


def test_grey_deep_and_transparent_images(tmp_path: Path) -> None:
    grey = picture(0)[..., 0]
    for image in (grey, grey.astype(np.uint16) * 257, np.dstack([grey] * 4)):
        path = tmp_path / "a.png"
        assert cv2.imwrite(str(path), image)
        assert np.array_equal(read_image(path), np.dstack([grey] * 3))


def test_a_folder_is_a_video(tmp_path: Path) -> None:
    for index in (0, 1, 2, 10):
        save(tmp_path / "masks" / f"{index}.png", picture(index))
    with ImageReader(tmp_path / "masks") as reader:
        assert (reader.info.width, reader.info.height, reader.info.frames, reader.endless) == (64, 48, 4, False)
        frames = list(reader)
    assert [frame.pts for frame in frames] == [0, 1, 2, 3]
    for frame, index in zip(frames, (0, 1, 2, 10), strict=True):
        assert np.array_equal(frame.image, picture(index))


def test_an_image_serves_all_frames(tmp_path: Path) -> None:
    with ImageReader(save(tmp_path / "a.png", picture(5))) as reader:
        assert (reader.info.frames, reader.info.rate, reader.endless) == (None, None, True)
        frames = list(islice(reader, 500))
    assert len(frames) == 500 and all(np.array_equal(frame.image, picture(5)) for frame in frames[::99])


def test_what_is_no_image(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = save(tmp_path / "whole.png", picture(0))
    for name, content in (("text", b"text"), ("empty", b""), ("half", whole.read_bytes()[:900])):
        path = tmp_path / f"{name}.png"
        path.write_bytes(content)
        with pytest.raises(
            VideoError, match=rf"^not a whole image \(PNG, JPEG, BMP, TIFF, WebP\); save it .*: {path}$"
        ):
            ImageReader(path)
    with pytest.raises(VideoError, match=r"^the image cannot be read \(No such file or directory\); check the path: "):
        ImageReader(tmp_path / "none.png")
    (tmp_path / "none").mkdir()
    with pytest.raises(VideoError, match=r"^no image in this folder, expected some of \.bmp, \.jpeg, .*; give another"):
        ImageReader(tmp_path / "none")
    assert capfd.readouterr().err == ""  # OpenCV says nothing of its own


def test_images_of_two_sizes(tmp_path: Path) -> None:
    save(tmp_path / "masks" / "1.png", picture(0))
    other = save(tmp_path / "masks" / "2.png", picture(0, 20, 10))
    with ImageReader(tmp_path / "masks") as reader, pytest.raises(VideoError) as caught:
        list(reader)
    assert str(caught.value) == f"image is 20x10, the first is 64x48; make all of one size: {other}"
