"""Which encoder goes into which container, with which pixels, and at what quality."""

from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from pathlib import Path

from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

from restore.errors import VideoError
from restore.video.alpha import has_alpha_plane
from restore.video.colours import BT709, FULL, LIMITED, MATRICES, RGB, UNSPECIFIED
from restore.video.cropping import WHOLE, Cropping, to_even
from restore.video.info import VideoInfo

LEAST_OF_X265 = 32  # pixels a side
THREADS = 4  # of an encoder, on any machine: another number codes lossy video into other bytes
MPEG4_TICKS = 65535  # MPEG-4 counts no finer than this in a second


@dataclass(frozen=True, eq=False)
class Encoder:
    """`quality`, from `best` to `worst`, is on the encoder's own scale. Encoders are told apart by identity: one with
    other pixels is a copy.
    """

    name: str
    quality: int
    best: int
    worst: int
    options: dict[str, str]


H264 = Encoder("libx264", 16, 0, 51, {"preset": "veryfast"})
MPEG4 = Encoder("mpeg4", 1, 1, 31, {})
VP9 = Encoder("libvpx-vp9", 20, 0, 63, {"deadline": "realtime", "cpu-used": "6", "row-mt": "1"})
FFV1 = Encoder("ffv1", 0, 0, 0, {"level": "3", "slicecrc": "1"})
H265 = Encoder("libx265", 16, 0, 51, {"preset": "veryfast"})
H264_DEEP = replace(H264)
PRORES = Encoder("prores_ks", 0, 0, 0, {"vendor": "apl0"})
FFV1_DEEP = replace(FFV1)
PNG = Encoder("png", 0, 0, 0, {})
QTRLE = Encoder("qtrle", 0, 0, 0, {})
GREY = replace(FFV1)

BY_SUFFIX = {".mp4": H264, ".m4v": H264, ".mov": H264, ".mkv": H264, ".avi": MPEG4, ".webm": VP9}

# FFmpeg's names; left to guess, it takes `.m4v` for raw MPEG-4.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi", ".webm": "webm"}


def checked_encoder(path: Path, lossless: bool, quality: int | None, overwrite: bool) -> Encoder:
    """The encoder for `path`.

    Raises:
        VideoError: its extension is unknown, `quality` is off the scale, or it exists and may not be overwritten.
    """
    suffix = path.suffix.lower()
    known = ", ".join(sorted(BY_SUFFIX))
    if lossless and suffix != ".mkv":
        raise VideoError(f"got the extension {suffix!r} for lossless output, expected '.mkv'; rename it: {path}")
    if suffix not in BY_SUFFIX:
        raise VideoError(f"got the extension {suffix!r}, expected one of {known}; rename it: {path}")
    encoder = FFV1 if lossless else BY_SUFFIX[suffix]
    if quality is not None and not encoder.best <= quality <= encoder.worst:
        raise VideoError(
            f"got quality {quality}, expected {encoder.best} (best) to {encoder.worst} of {encoder.name}: {path}"
        )
    if path.exists() and not overwrite:
        raise VideoError(f"the output exists already; move it away, or ask to overwrite it: {path}")
    return encoder


def fitting(encoder: Encoder, info: VideoInfo, quality: int | None, suffix: str) -> Encoder:
    """The encoder for a video with transparency, or of more than 8 bits, in place of one that has neither; the same
    where the file of that suffix holds no other.

    Transparency in `.mov`: PNG and QuickTime Animation as what they were, ProRes 4444 for all else. More than 8 bits:
    H.265 Main10 or Main12, which players of HDR know; H.264 where it is interlaced, as x265 holds no fields of one
    frame, and where it is tiny, as x265 holds no pictures below its blocks; ProRes for ProRes. Lossless output is RGB
    of 16 bits: that is what is restored, and it comes back bit by bit.
    """
    if encoder is FFV1:
        return FFV1_DEEP if info.bits > 8 else FFV1
    if encoder is not H264:
        return encoder
    if quality is None and suffix == ".mov" and has_alpha_plane(info.pix_fmt):
        return {"png": PNG, "qtrle": QTRLE}.get(info.codec, PRORES)
    if info.bits <= 8:
        return encoder
    if info.codec == "prores" and quality is None and suffix in (".mov", ".mkv"):
        return PRORES
    return H264_DEEP if info.interlaced or min(info.width, info.height) < LEAST_OF_X265 else H265


def padding(encoder: Encoder, info: VideoInfo) -> Cropping:
    """What is coded beyond the picture: 4:2:0 of H.264 and H.265 has even sizes alone, and is cropped in steps of 2.

    MPEG-4, VP9, ProRes and FFV1 hold odd sizes as they are.
    """
    return to_even(info.width, info.height) if encoder in (H264, H264_DEEP, H265) else WHOLE


def pixel_format(encoder: Encoder, info: VideoInfo) -> str:
    """4:2:0, and RGB or grey where nothing may be lost."""
    if encoder is GREY:
        return "gray"
    transparent = has_alpha_plane(info.pix_fmt)
    if encoder is FFV1:
        return "bgra" if transparent else "bgr0"
    if encoder is FFV1_DEEP:
        return "gbrap16le" if transparent else "gbrp16le"
    if encoder is PNG:
        return "rgba64be" if info.bits > 8 else "rgba"
    if encoder is QTRLE:
        return "argb"
    if encoder is PRORES and transparent:
        return "yuva444p10le"
    if encoder in (H265, H264_DEEP, PRORES):
        chroma = "420" if encoder is not PRORES else "444" if "444" in info.pix_fmt else "422"
        return f"yuv{chroma}p{12 if info.bits > 10 and encoder is H265 else 10}le"
    return "yuv420p"


def output_colours(encoder: Encoder, info: VideoInfo) -> tuple[int, int]:
    """The `(matrix, range)` to write, as H.273 codes: the input's where it has them and the output can state them."""
    if encoder in (FFV1, FFV1_DEEP, PNG, QTRLE):
        return RGB, FULL
    if encoder is GREY:
        return UNSPECIFIED, FULL
    if encoder is MPEG4:
        # States neither; the matrix is what players assume by the size of the picture.
        return UNSPECIFIED, LIMITED
    if info.colorspace == RGB:
        return BT709, LIMITED
    assert info.colorspace in MATRICES, "the reader refuses other matrices"
    return info.colorspace, info.color_range


def output_transfer(encoder: Encoder, info: VideoInfo) -> int:
    """The transfer characteristic to write, as H.273 code. AVI states none, and is displayed as SDR: so it is written,
    in the space that it was restored in.
    """
    return UNSPECIFIED if encoder in (MPEG4, GREY) else info.color_trc


def lost_colours(encoder: Encoder, info: VideoInfo) -> list[str]:
    """Tags of colour that the output cannot state, and that differ from what is assumed without them; a phrase each."""
    if encoder is not MPEG4:
        return []
    tags = (("primaries", info.color_primaries, {0, 1, 2, 5, 6}), ("transfer", info.color_trc, {0, 1, 2, 6, 14, 15}))
    return [f"the {name} {code} (of H.273), which AVI cannot state" for name, code, plain in tags if code not in plain]


def notes(encoder: Encoder, info: VideoInfo) -> list[str]:
    """What a person may not expect of the output, one line each."""
    left, right, top, bottom = astuple(info.cropping)
    lines = []
    if left + right > 1 or top + bottom > 1:  # one may be what made a size even
        lines = [f"the input's container crops its pictures to {info.width}x{info.height}; the rest is not restored"]
    return lines + _coded_otherwise(encoder, info)


def _coded_otherwise(encoder: Encoder, info: VideoInfo) -> list[str]:
    if info.bits > 8 and encoder in (MPEG4, VP9):
        curve = {16: " of PQ (HDR)", 18: " of HLG (HDR)"}.get(info.color_trc, "")
        sdr = " of SDR" if curve and encoder is MPEG4 else ""
        return [f"{info.bits} bits a colour{curve} become 8{sdr} in this container; .mp4, .mov and .mkv hold them"]
    cropping = padding(encoder, info)
    if not cropping:
        return []
    size, codec = f"{info.width}x{info.height}", "H.265" if encoder is H265 else "H.264"
    more = " and ".join(["one column"] * cropping.right + ["one line"] * cropping.bottom)
    return [
        f"{codec} holds {size}, an odd size, with {more} more, which the container crops; players that do not crop "
        f"display it; .webm holds the size as it is"
    ]


def slot(encoder: Encoder, info: VideoInfo, time_base: Fraction) -> Fraction:
    """The time base to write in. AVI has frame slots, no times; what comes from an AVI is in slots already, save DV."""
    in_slots = info.container == "avi" and info.codec != "dvvideo"
    return 1 / info.rate if encoder is MPEG4 and not in_slots else time_base


def add_picture_stream(
    container: OutputContainer,
    encoder: Encoder,
    info: VideoInfo,
    time_base: Fraction,
    quality: int | None,
) -> VideoStream:
    """Add the stream that the frames are encoded into."""
    more = padding(encoder, info)
    stream = container.add_stream(
        encoder.name,
        rate=info.rate,
        options=dict(encoder.options),
        width=info.width + more.right,
        height=info.height + more.bottom,
        time_base=time_base,
    )
    assert isinstance(stream, VideoStream), "a picture's encoder makes a video stream"
    codec = stream.codec_context
    codec.pix_fmt = pixel_format(encoder, info)
    codec.thread_type = "AUTO"
    if encoder.name == "ffv1" and info.width == 1:  # FFmpeg's slices would be of no columns; version 1 has none
        codec.options = {"level": "1"}
    codec.thread_count = THREADS
    codec.sample_aspect_ratio = info.sample_aspect_ratio
    if info.interlaced and encoder in (H264, H264_DEEP, MPEG4):
        codec.flags |= Flags.interlaced_dct | Flags.interlaced_me
    quality = encoder.quality if quality is None else quality
    if encoder is MPEG4:
        codec.time_base = time_base.limit_denominator(MPEG4_TICKS)
        codec.codec_tag = "XVID"
        # A fixed quantiser; FFmpeg's `qscale` is read from each frame, where PyAV cannot set it.
        codec.options |= {"qmin": str(quality), "qmax": str(quality)}
        return stream
    if encoder is H265:
        codec.options["x265-params"] = ":".join(["log-level=none", *info.mastering])
        if container.format.name in ("mp4", "mov"):
            codec.codec_tag = "hvc1"  # which Apple's players ask for
    if encoder is PRORES:
        codec.options["profile"] = "4444" if "444" in codec.pix_fmt else "hq"
    if encoder.best < encoder.worst:
        codec.options["crf"] = str(quality)
    codec.colorspace, codec.color_range = output_colours(encoder, info)
    codec.color_primaries, codec.color_trc = info.color_primaries, info.color_trc
    return stream
