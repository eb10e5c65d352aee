"""Frames with the light that their scene lacks: measured around each, the same for all of its pixels, steady in time."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

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
    """The frames in the light that is asked for. The picture that was given is in `dark` if it was changed, and how it
    was in `light`; what is changed is a new record, whose scene and motion are not known.

    Args:
        frames: with masks, all of one size; hidden pixels do not count.
        light: `off` returns the frames; a gain multiplies linear light; `auto` measures the gain that each scene lacks,
            and leaves a well-lit one alone, bit for bit. Of a scene that is given much more light a colour cast is
            taken away in part, where its highlights have one that is hardly natural.

    Raises:
        ValueError: `light` is none of these.

    >>> dark = [Frame(np.full((48, 64, 3), 30, np.uint8), mask=np.zeros((48, 64), np.float32)) for _ in range(3)]
    >>> [(frame.image[0, 0].tolist(), frame.dark[0, 0].tolist()) for frame in lit(dark, 4)][0]
    ([56, 56, 56], [30, 30, 30])
    """
    setting = light_setting(light)
    return iter(frames) if setting == "off" else _lit(frames, None if setting == "auto" else float(setting))


@dataclass(frozen=True, eq=False)
class _Look:
    """What is known of a frame that waits: its scene, and what was measured of it, None if it is black."""

    scene: int
    measured: np.ndarray | None


def _lit(frames: Iterable[Frame], gain: float | None) -> Iterator[Frame]:
    waiting: deque[Frame] = deque()
    looks: deque[_Look] = deque()  # of `AROUND` frames before the first that waits, and of all that wait
    scenes = SceneDetector()
    steady, scene, before = Steady(gain), 0, 0

    def first() -> Frame:
        nonlocal steady, scene, before
        now = looks[before].scene
        if now != scene:
            steady, scene = Steady(gain), now
        around = [look.measured for look in looks if look.scene == now and look.measured is not None]
        frame = in_light(waiting.popleft(), steady.push(around))
        before += 1
        if before > AROUND:
            looks.popleft()
            before -= 1
        return frame

    for frame in frames:
        waiting.append(frame)
        looks.append(_look(frame, scenes))
        if len(waiting) > min(AROUND, max(FEWEST, int(HELD / frame.image.nbytes))):
            yield first()
    while waiting:
        yield first()


def _look(frame: Frame, scenes: SceneDetector) -> _Look:
    small = thumbnail(frame)
    values = measured(small)
    picture = small.picture if values is None else Light(float(np.exp(values[0]))).applied(small.picture)
    # Cuts are sought in normal light: in the dark all is alike.
    normal = Frame(picture, mask=1 - small.visible.astype(np.float32))
    return _Look(scenes.push(normal), values)


def in_light(frame: Frame, light: Light) -> Frame:
    """A frame in this light; where that changes nothing, the same record."""
    if not light.changes:
        frame.light = light
        return frame
    deep = frame.carried.deep if frame.carried else None
    # In the space of the models, where 16 bits are in another: of HDR (PQ), and of the fields of a frame.
    if frame.carried is None or deep is None or not np.array_equal(shallow(deep), frame.image):
        return replace(frame, image=light.applied(frame.image), dark=frame.image, light=light, scene=None, motion=None)
    lighter = light.applied(deep)
    carried = replace(frame.carried, deep=lighter)
    return replace(
        frame, image=shallow(lighter), dark=frame.image, light=light, carried=carried, scene=None, motion=None
    )
