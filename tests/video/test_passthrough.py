"""What goes along with the picture: sound, subtitles, chapters, tags and attachments, packet by packet."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import MILLI, Text, cut_in_half, make_video, noise, packets_of, picture
from tests.video.rewrite import rewrite

TEXTS = (Text(0, 100, "Hallo"), Text(200, 350, "Grüße & mehr"), Text(350, 500, "drei"))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_subtitles_chapters_and_tags(tmp_path: Path, suffix: str) -> None:
    path = make_video(
        tmp_path / f"clip{suffix}",
        range(20),
        seconds_of_sound=0.8,
        texts=TEXTS,
        title="A walk",
        chapters=("One", "Two"),
    )
    output = tmp_path / f"out{suffix}"
    _, _, reader = rewrite(path, output)
    assert reader.info.has_subtitles
    assert packets_of(output, "subtitle") == packets_of(path, "subtitle")
    assert packets_of(output, "audio") == packets_of(path, "audio")
    with av.open(str(path)) as old, av.open(str(output)) as new:
        assert new.metadata["title"] == "A walk"
        assert [chapter["metadata"] for chapter in new.chapters()] == [{"title": "One"}, {"title": "Two"}]
        assert new.streams.subtitles[0].language == old.streams.subtitles[0].language


def test_attachments_stay_in_matroska(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mkv", texts=TEXTS[:1], attachment=b"a font")
    rewrite(path, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        (attachment,) = (stream for stream in container.streams if stream.type == "attachment")
        assert (attachment.name, attachment.data) == ("font.ttf", b"a font")
    with VideoReader(path) as reader, pytest.raises(VideoError, match="subtitle stream 1"):
        VideoWriter(tmp_path / "out.mp4", info=reader.info, source=path)


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        for _ in range(2):
            container.add_stream("libx264", rate=25, width=64, height=48)
        for stream in container.streams.video:
            frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
            container.mux(stream.encode(frame) + stream.encode(None))
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mkv", info=reader.info, source=path) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
        assert writer.left_out == ["video stream 1 (h264)"]


def test_sound_that_stands_still_is_moved_forward(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, width=64, height=48)
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        still = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
        container.mux(video.encode(still) + video.encode(None))
        for pts in (0, 20, 20, 40):
            tone = av.AudioFrame.from_ndarray(np.full((1, 160), pts, np.int16), format="s16", layout="mono")
            tone.sample_rate = 8000
            for packet in sound.encode(tone):
                packet.time_base, packet.pts, packet.dts = MILLI, pts, pts
                container.mux(packet)
    rewrite(path, tmp_path / "out.mkv")
    assert packets_of(tmp_path / "out.mkv", "audio") == packets_of(path, "audio"), "Matroska takes two of one time"
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mov", info=reader.info, source=path) as writer:
        for picture_frame in reader:
            writer.write(picture_frame.image, picture_frame.pts)
    assert writer.left_out == ["the exact times of audio stream 1, which do not move forward"]
    sound_of = b"".join(data for _, data in packets_of(tmp_path / "out.mov", "audio"))
    assert sound_of == b"".join(data for _, data in packets_of(path, "audio"))


@pytest.mark.parametrize("sound", ["ac3", "aac", "mp2", "pcm_s16le", "pcm_mulaw", "adpcm_ima_wav", "adpcm_ms"])
def test_any_sound_of_an_avi(tmp_path: Path, sound: str) -> None:
    path = make_video(tmp_path / "clip.avi", range(20), seconds_of_sound=1, sound=sound)
    rewrite(path, tmp_path / "out.avi")
    assert packets_of(tmp_path / "out.avi", "audio") == packets_of(path, "audio")


def test_sound_counted_in_bytes(tmp_path: Path) -> None:
    # As VirtualDub writes constant MP3: a sample is a byte. FFmpeg writes frames; the header is changed by hand.
    path = make_video(tmp_path / "clip.avi", range(20), seconds_of_sound=1)
    size = sum(len(data) for _, data in packets_of(path, "audio"))
    data = bytearray(path.read_bytes())
    stream = data.index(b"strh", data.index(b"strh") + 4) + 8
    wave_format = data.index(b"strf", stream) + 8
    struct.pack_into("<4I", data, stream + 20, 1, 16000, 0, size)
    struct.pack_into("<I", data, stream + 44, 1)
    struct.pack_into("<IH", data, wave_format + 8, 16000, 1)
    path.write_bytes(data)
    rewrite(path, tmp_path / "out.avi")
    with av.open(str(tmp_path / "out.avi")) as container:
        assert container.streams.audio[0].time_base == Fraction(1, 16000)
    assert packets_of(tmp_path / "out.avi", "audio") == packets_of(path, "audio")


def test_sound_of_a_file_that_breaks(tmp_path: Path) -> None:
    whole = make_video(
        tmp_path / "clip.mp4", range(40), draw=noise, seconds_of_sound=1.6, container_options={"movflags": "faststart"}
    )
    half = cut_in_half(whole)
    output = tmp_path / "out.mp4"
    with VideoReader(half) as reader, VideoWriter(output, info=reader.info, source=half) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
    assert reader.broken
    sound = packets_of(output, "audio")
    assert 10 < len(sound) < 60 and sound == packets_of(whole, "audio")[: len(sound)]


def test_without_a_source_there_is_no_sound(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", seconds_of_sound=0.4)
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mp4", info=reader.info) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
    assert packets_of(tmp_path / "out.mp4", "audio") == []
    assert writer.left_out == []


def test_streams_that_do_not_fit_are_refused_before_any_work(tmp_path: Path) -> None:
    path, output = make_video(tmp_path / "clip.mp4", texts=TEXTS[:1]), tmp_path / "out.mkv"
    before = sorted(tmp_path.iterdir())
    with VideoReader(path) as clip, pytest.raises(VideoError) as caught:
        VideoWriter(output, info=clip.info, source=path, lossless=True)
    assert str(caught.value) == (f"subtitle stream 1 (mov_text) cannot be stored in .mkv; .mov and .mp4 can: {output}")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("sound", ["libopus", "libmp3lame", "aac"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_the_padding_at_the_end_of_sound(tmp_path: Path, suffix: str, sound: str) -> None:
    if (suffix, sound) == (".mov", "libopus"):
        pytest.skip("FFmpeg stores no Opus in .mov")
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, width=64, height=48)
        stream = container.add_stream(sound, rate=48000)
        wave = (8000 * np.sin(np.arange(37296) / 17)).astype(np.int16).repeat(2)
        tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="stereo")
        tone.sample_rate, tone.pts, tone.time_base = 48000, 0, Fraction(1, 48000)
        still = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
        container.mux(video.encode(still) + video.encode(None) + stream.encode(tone) + stream.encode(None))
    rewrite(path, tmp_path / f"out{suffix}")
    assert sound_of(tmp_path / f"out{suffix}") == sound_of(path)


def sound_alone(path: Path) -> tuple[str, list[bytes]]:
    with av.open(str(path)) as container:
        name = container.streams.audio[0].codec_context.name
    return name, [data for _, data in packets_of(path, "audio")]


def make_sound(path: Path, codec: str, rate: int, container: str) -> Path:
    """A video with a second of sound, in a container of FFmpeg's by name."""
    picture_codec = {"flv": "flv", "asf": "mpeg4", "mov": "mpeg4", "avi": "mpeg4", "3gp": "mpeg4"}.get(container)
    with av.open(str(path), "w", format=container) as output:
        video = output.add_stream(picture_codec or "libx264", rate=25, width=64, height=48)
        stream = output.add_stream(codec, rate=rate, layout="mono")
        stream.codec_context.open()
        length = stream.codec_context.frame_size or 1024
        packets = []
        for index in range(25):
            packets += video.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24"))
        for start in range(0, rate, length):
            wave = (8000 * np.sin(np.arange(start, start + length) / 5)).astype(np.int16)
            tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
            tone.sample_rate, tone.pts, tone.time_base = rate, start, Fraction(1, rate)
            packets += stream.encode(tone)
        packets += video.encode(None) + stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


@pytest.mark.parametrize(
    ("codec", "rate", "source", "suffix"),
    [
        ("pcm_alaw", 8000, "mov", ".mov"),
        ("pcm_alaw", 8000, "mov", ".mkv"),
        ("pcm_mulaw", 8000, "avi", ".mkv"),
        ("adpcm_ms", 8000, "avi", ".mkv"),
        ("adpcm_ima_wav", 8000, "avi", ".mkv"),
        ("pcm_u8", 8000, "avi", ".mkv"),
        ("g726", 8000, "avi", ".mkv"),
        ("g722", 16000, "avi", ".mkv"),
        ("libopencore_amrnb", 8000, "3gp", ".mkv"),
        ("libopencore_amrnb", 8000, "3gp", ".mov"),
        ("nellymoser", 8000, "flv", ".mov"),
        ("mp2", 48000, "mpegts", ".mkv"),
        ("aac", 48000, "mpegts", ".mkv"),
        ("aac", 48000, "mpegts", ".mp4"),
        ("ac3", 48000, "mpegts", ".mkv"),
    ],
)
def test_sound_of_any_codec_that_ffmpeg_stores(tmp_path: Path, codec: str, rate: int, source: str, suffix: str) -> None:
    path = make_sound(tmp_path / "clip.bin", codec, rate, source)
    rewrite(path, tmp_path / f"out{suffix}", lossless=suffix == ".mkv")
    name, packets = sound_alone(path)
    after_name, after = sound_alone(tmp_path / f"out{suffix}")
    assert after_name == name
    if source == "mpegts" and codec == "aac":  # the headers of MPEG-TS, 7 bytes a packet, are one header in others
        packets = [data[7:] for data in packets]
    assert after == packets or (suffix == ".mov" and b"".join(after) == b"".join(packets))


def test_sound_that_does_not_fit_is_refused_with_what_does(tmp_path: Path) -> None:
    path, output = make_sound(tmp_path / "clip.flv", "nellymoser", 8000, "flv"), tmp_path / "out.mkv"
    with VideoReader(path) as clip, pytest.raises(VideoError) as caught:
        VideoWriter(output, info=clip.info, source=path)
    assert str(caught.value) == f"audio stream 0 (nellymoser) cannot be stored in .mkv; .mov can: {output}"


def sound_of(path: Path) -> tuple[int, int | None]:
    """Samples that are heard, and the length of the file in microseconds."""
    with av.open(str(path)) as container:
        return sum(frame.samples for frame in container.decode(audio=0)), container.duration
