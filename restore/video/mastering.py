"""What a master's display could show (SMPTE ST 2086) and how bright its pictures are (CTA-861.3), for the encoder."""

import struct

from av import VideoFrame

from restore.video.side_data import side_data_of

PRIMARIES, LUMINANCE = 50_000, 10_000  # units in x265's parameters: 1/50000 of a chromaticity, 1/10000 cd/m2


def x265_params(frame: VideoFrame) -> list[str]:
    """The parameters of x265 that state what a decoded frame states; none where it states nothing."""
    found = side_data_of(frame)
    params = []
    master = found.get("MASTERING_DISPLAY_METADATA")
    if master is not None:
        # AVMasteringDisplayMetadata: red, green, blue and white as x, y; least and most luminance; what of it is known.
        numbers = struct.unpack_from("=20i2i", bytes(master))
        rationals = [a / b if b else 0.0 for a, b in zip(numbers[:20:2], numbers[1:20:2], strict=True)]
        if numbers[20] and numbers[21]:
            points = [round(value * PRIMARIES) for value in rationals[:8]]
            red, green, blue, white = (f"({points[i]},{points[i + 1]})" for i in range(0, 8, 2))
            least, most = (round(value * LUMINANCE) for value in rationals[8:])
            params.append(f"master-display=G{green}B{blue}R{red}WP{white}L({most},{least})")
    light = found.get("CONTENT_LIGHT_LEVEL")
    if light is not None:
        brightest, average = struct.unpack_from("=2I", bytes(light))
        params.append(f"max-cll={brightest},{average}")
    return params
