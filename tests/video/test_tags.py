"""Tags of files and streams: carried where the container can hold them, named where it cannot."""

from pathlib import Path

import av
import pytest

from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import PICTURE, picture

PHONE = {
    "com.apple.quicktime.location.ISO6709": "+10.0000+020.0000+000.000/",
    "com.apple.quicktime.creationdate": "2020-01-02T03:04:05+0100",
    "com.apple.quicktime.make": "Apple",
}
ANDROID = {"com.android.version": "14", "com.android.manufacturer": "Google", "title": "A walk"}
TIMECODE = "01:00:00:10"


def tagged(path: Path, tags: dict[str, str], timecode: str | None = None) -> Path:
    with av.open(str(path), "w", container_options={"movflags": "use_metadata_tags"}) as container:
        stream = container.add_stream(PICTURE[path.suffix], rate=25, width=64, height=48)
        container.metadata.update(tags)
        if timecode:
            stream.metadata["timecode"] = timecode
        for index in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def tags_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        tags = dict(container.streams.video[0].metadata) | container.metadata
    return {key.lower(): value for key, value in tags.items()}


def restored(path: Path, output: Path) -> list[str]:
    """Write it again => what is named as left out."""
    lossless = output.suffix == ".mkv"
    with VideoReader(path) as reader:
        with VideoWriter(output, info=reader.info, source=path, lossless=lossless) as writer:
            named = writer.left_out
            for frame in reader:
                writer.write(frame.image, frame.pts, frame.carried)
            assert writer.left_out == named, "all is known before the work"
    return named


@pytest.mark.parametrize("tags", [PHONE, ANDROID])
@pytest.mark.parametrize("source", [".mov", ".mp4"])
@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv", ".avi", ".webm"])
def test_what_phones_write(tmp_path: Path, source: str, suffix: str, tags: dict[str, str]) -> None:
    path = tagged(tmp_path / f"IMG_1{source}", tags)
    named = restored(path, tmp_path / f"out{suffix}")
    after = tags_of(tmp_path / f"out{suffix}")
    kept = {key for key, value in tags.items() if after.get(key.lower()) == value}
    assert kept == (set(tags) if suffix != ".avi" else set(tags) & {"title"})
    assert named == [f"the tag {key!r}" for key in tags_of_case(path) if key in tags and key not in kept]


def tags_of_case(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return list(container.metadata)


def test_plain_tags_stay_where_players_look_for_them(tmp_path: Path) -> None:
    path = tagged(tmp_path / "clip.mkv", {"title": "A walk", "artist": "Me"})
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mp4", info=reader.info, source=path) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
    assert b"\xa9nam" in (tmp_path / "out.mp4").read_bytes()


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv", ".avi", ".webm"])
def test_a_timecode_is_kept_or_named(tmp_path: Path, suffix: str) -> None:
    path = tagged(tmp_path / "cam.mov", {}, TIMECODE)
    with av.open(str(path)) as container:
        assert any(stream.type == "data" for stream in container.streams)
    named = restored(path, tmp_path / f"out{suffix}")
    kept = tags_of(tmp_path / f"out{suffix}").get("timecode") == TIMECODE
    assert named == ([] if kept else ["the tag 'timecode'"])
    assert kept == (suffix != ".avi")


def test_no_tag_promises_transparency(tmp_path: Path) -> None:
    path = tagged(tmp_path / "clip.webm", {})
    with av.open(str(path)) as source, av.open(str(tmp_path / "alpha.webm"), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        stream.metadata["alpha_mode"] = "1"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    assert tags_of(tmp_path / "alpha.webm")["alpha_mode"] == "1"
    restored(tmp_path / "alpha.webm", tmp_path / "out.webm")
    assert "alpha_mode" not in tags_of(tmp_path / "out.webm")
