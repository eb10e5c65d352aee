"""Frames in the light that their scene lacks: measured around each, the same for all its pixels, steady in time."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from restore.frame import Frame
from restore.light.curve import Light
from restore.light.measure import measured
from restore.light.setting import light_setting
from restore.light.steady import Steady
from restore.scenes import SceneDetector, thumbnail
from restore.video.depth import shallow

AROUND = 24  # frames before and after each that are measured: about a second each
HELD, FEWEST = 150e6, 4  # bytes of pictures that wait for those after them, or as many frames if these are more


def lit(frames: Iterable[Frame], light: str | float) -> Iterator[Frame]:
    """The frames in the light that is asked for.

    A frame whose light is changed is a new record without scene and motion, which has what was given in `dark`. How it
    was changed is in `light`.

    Args:
        frames: with masks, all of one size; hidden pixels do not count.
        light: `off` returns the frames as they are; a gain multiplies linear light; `auto` measures the gain that each
            scene lacks, and leaves a well-lit one as it is, bit for bit. A scene that gets much more light loses a part
            of a colour cast, if that is hardly natural.

    Raises:
        ValueError: `light` is none of these.

    >>> dark = [Frame(np.full((48, 64, 3), 30, np.uint8), mask=np.zeros((48, 64), np.float32)) for _ in range(3)]
    >>> [(frame.image[0, 0].tolist(), frame.dark[0, 0].tolist()) for frame in lit(dark, 4)][0]
    ([56, 56, 56], [30, 30, 30])
    """
    setting = light_setting(light)
    return iter(frames) if setting == "off" else _lit(frames, None if setting == "auto" else float(setting))


def _lit(frames: Iterable[Frame], gain: float | None) -> Iterator[Frame]:
    lamp = _Lamp(gain)
    for frame in frames:
        lamp.push(frame)
        if lamp.waiting > min(AROUND, max(FEWEST, int(HELD / frame.image.nbytes))):
            yield lamp.first()
    while lamp.waiting:
        yield lamp.first()


class _Lamp:
    """Frames that wait for those after them, and what was measured of them and of those before."""

    def __init__(self, gain: float | None) -> None:
        self._gain = gain
        self._frames: deque[Frame] = deque()  # that wait
        self._looks: deque[tuple[int, np.ndarray | None]] = deque()  # scene and `measured`: of them, of those before
        self._scenes = SceneDetector()
        self._steady, self._scene = Steady(gain), 0

    @property
    def waiting(self) -> int:
        return len(self._frames)

    def push(self, frame: Frame) -> None:
        small = thumbnail(frame)
        values = measured(small)
        normal = small.picture if values is None else Light(float(np.exp(values[0]))).applied(small.picture)
        # Cuts are detected in normal light: in the dark all scenes look alike.
        scene = self._scenes.push(Frame(normal, mask=1 - small.visible.astype(np.float32)))
        self._frames.append(frame)
        self._looks.append((scene, values))

    def first(self) -> Frame:
        """The first that waits, in its light."""
        scene, _ = self._looks[len(self._looks) - len(self._frames)]
        if scene != self._scene:
            self._steady, self._scene = Steady(self._gain), scene
        light = self._steady.push([values for of, values in self._looks if of == scene and values is not None])
        frame = self._frames.popleft()
        if len(self._looks) - len(self._frames) > AROUND:
            self._looks.popleft()
        return in_light(frame, light)


def in_light(frame: Frame, light: Light) -> Frame:
    """A frame in this light; where that changes nothing, the same record."""
    if not light.changes:
        frame.light = light
        return frame
    carried, image = frame.carried, light.applied(frame.image)
    deep = carried.deep if carried else None
    # Not where the 16 bits are in another space than the 8, as those of HDR (PQ), or of the whole frame of a field.
    if carried and deep is not None and np.array_equal(shallow(deep), frame.image):
        deep = light.applied(deep)
        carried, image = replace(carried, deep=deep), shallow(deep)
    return replace(frame, image=image, dark=frame.image, light=light, scene=None, motion=None, carried=carried)
