"""What was found, with its pixels: the tracks of the report, and the masks that the command line uses."""

from pathlib import Path

import numpy as np

from restore.inference.files import restore_file
from restore.page.detections import SMALL, Detections, Found, detect_all, nearest_labels
from restore.pipeline import Restorer
from restore.video.reader import VideoReader
from tests.detection.networks import constant_finder, white_segmenter
from tests.inference.test_files import FRAMES, write
from tests.propagation.footage import at_rest
from tests.video.test_fields import make_interlaced


def finding(kind: str) -> Restorer:
    """It takes white for something of this kind."""
    models = {"finder": constant_finder(-6), "segmenter": white_segmenter(kind)}
    return Restorer(None, device="cpu", precision="float32", **models)  # type: ignore[arg-type]


def white_square(frames: slice = slice(None)) -> np.ndarray:
    clip = at_rest(FRAMES) // 2
    clip[frames, 10:26, 30:50] = 255
    return clip


def test_it_is_what_the_command_line_finds(tmp_path: Path) -> None:
    finds, video = finding("dirt"), write(tmp_path / "v.mkv", white_square())
    suspects = tmp_path / "s.mkv"
    report = restore_file(finds, video, tmp_path / "o.mkv", write_suspects=suspects)
    shares: list[float] = []
    detections = detect_all(finds, video, FRAMES, shares.append)
    (dirt,) = detections.found
    assert (dirt.name, dirt.proven, [dirt.track]) == ("s0", False, report["suspects"])
    assert report["obstructions"] == [] and shares[-1] == 1
    with VideoReader(suspects) as reader:
        for number, frame in enumerate(reader):
            ((one, pixels),) = detections.pixels(number)
            assert one == dirt and np.array_equal(pixels, frame.image[..., 0] > 127)
    (polygon,) = detections.outlines(4)["s0"]
    assert (min(polygon[::2]), max(polygon[::2])) == (29, 50)  # with the soft rim of what is out of focus


def test_text_stays_and_can_be_accepted(tmp_path: Path) -> None:
    finds, video = finding("text"), write(tmp_path / "v.mkv", white_square(slice(2, 8)))
    detections = detect_all(finds, video, FRAMES, lambda share: None)
    (text,) = detections.found
    assert (text.name, text.as_json()["kind"], text.as_json()["frames"]) == ("s0", "text", [2, 7])
    assert [bool(detections.outlines(frame)) for frame in (1, 2, 7, 8)] == [False, True, True, False]


def test_what_was_found_is_found_again_on_the_disk(tmp_path: Path) -> None:
    video = write(tmp_path / "v.mkv", white_square())
    detections = detect_all(finding("dirt"), video, FRAMES, lambda share: None)
    path = tmp_path / "found.npz"
    detections.save(path, "this file")
    again = Detections.load(path, "this file")
    assert again is not None and again.found == detections.found and detections.found
    assert again.outlines(2) == detections.outlines(2) != {}
    assert Detections.load(path, "another file") is None
    assert Detections.load(tmp_path / "none.npz", "this file") is None
    path.write_bytes(path.read_bytes()[:50])
    assert Detections.load(path, "this file") is None


def test_pixels_without_a_seed_in_their_component_are_small_parts() -> None:
    area = np.zeros((4, 12), bool)
    area[1:3, 1:5] = area[1:3, 8:10] = True
    seeds = np.zeros(area.shape, np.uint16)
    seeds[1, 1], seeds[1, 4] = 7, 9
    labels = nearest_labels(area, seeds)
    assert labels[1:3, 1:5].tolist() == [[7, 7, 9, 9], [7, 7, 9, 9]]
    assert (labels[1:3, 8:10] == SMALL).all() and not labels[~area].any()


def test_small_parts_have_no_track() -> None:
    assert Found("s", SMALL, None).as_json()["kind"] == "small parts"


def test_of_interlaced_video_fields_are_searched_and_frames_shown(tmp_path: Path) -> None:
    video = make_interlaced(tmp_path / "tape.mkv", "ffv1", True)
    sees_all = Restorer(None, constant_finder(6), device="cpu", precision="float32")
    detections = detect_all(sees_all, video, 12, lambda share: None)
    (everything,) = detections.found
    assert everything.track is not None
    assert (everything.track["frames"], everything.track["box"]) == ([0, 11], [0, 0, 96, 72])
    ((_, pixels),) = detections.pixels(11)
    assert pixels.shape == (72, 96) and pixels.all()
