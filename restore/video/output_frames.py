"""What is encoded of a picture: a frame with the encoder's pixels, and the transparency and side data of the input."""

from collections.abc import Callable

import av
import numpy as np
from av.video.format import VideoFormat

from restore.video.alpha import has_alpha_plane, put_alpha
from restore.video.carried import Carried, SideDataCarrier
from restore.video.colours import FromRGB, from_grey
from restore.video.depth import shallow
from restore.video.encoders import Encoder, output_colours, output_transfer, padding, pixel_format
from restore.video.info import VideoInfo
from restore.video.working_space import WorkingSpace


class OutputFrames:
    """Makes frames for an encoder of pictures in the size and the colours of `info`.

    Args:
        grey: pictures are uint8 `H W` instead of RGB `H W 3`.

    Attributes:
        size: the shape of a picture.
        transparent: whether the frames have an alpha plane.
    """

    def __init__(self, encoder: Encoder, info: VideoInfo, *, grey: bool) -> None:
        pixels = pixel_format(encoder, info)
        self.size = (info.height, info.width) if grey else (info.height, info.width, 3)
        self.transparent = has_alpha_plane(pixels)
        self._grey, self._interlaced = grey, info.interlaced
        self._deep = VideoFormat(pixels).components[0].bits > 8
        self._space = WorkingSpace(output_transfer(encoder, info))
        self._cropping = padding(encoder, info)
        matrix, color_range = output_colours(encoder, info)
        self._to_frame: Callable[..., av.VideoFrame] = (
            from_grey if grey else FromRGB(pixels, colorspace=matrix, color_range=color_range)
        )
        self._carrier = SideDataCarrier()

    def of(self, image: np.ndarray, carried: Carried | None) -> av.VideoFrame:
        """Of one picture, uint8 of this `size`, and what the input's frame has apart from its pixels."""
        if self._deep or not self._space.is_video:
            deep = self._space.to_video(image, carried.deep if carried else None)
            image = deep if self._deep else shallow(deep)
        image = self._cropping.padded(image)
        if carried and carried.side_data and not self._grey:
            frame = self._carrier.put(carried.side_data, image, interlaced=self._interlaced)
            frame = self._to_frame(image, frame)
        else:
            frame = self._to_frame(image)
        if self.transparent:
            put_alpha(frame, carried.alpha if carried else None)
        return frame
