"""The mask of a frame, of detections that were accepted and layers that were drawn; and of a whole video, as a file
that `--mask_video` takes.
"""

import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np

from restore.detection.dilate import dilate
from restore.errors import MaskError
from restore.page.detections import Detections
from restore.page.edits import Edits, Layer
from restore.page.follow import follow
from restore.page.frame_store import FrameStore, png
from restore.page.survey import Survey
from restore.video.files import shortened
from restore.video.mask import MaskCheck, open_mask
from restore.video.writer import VideoWriter

GROWTH = 1 / 120  # of the shorter side, that a detection is dilated by with each step


class Masks:
    """The masks of one video.

    Args:
        detections: what was found; None: nothing was looked for.
    """

    def __init__(self, survey: Survey, edits: Edits, detections: Detections | None) -> None:
        self.survey, self.edits, self.detections = survey, edits, detections
        self._size = survey.info.height, survey.info.width

    @property
    def corrected(self) -> bool:
        """Whether anything differs from what is found by itself."""
        found = self.detections.found if self.detections else []
        decisions = self.edits.decisions
        changed = [one for one in found if one.name in decisions]
        return any(layer.keys for layer in self.edits.layers.values()) or any(
            decisions[one.name].remove != one.proven or (one.proven and decisions[one.name].grow) for one in changed
        )

    def layer(self, layer: Layer, frame: int) -> np.ndarray:
        """What a layer hides in a frame: bool `H W`."""
        if not layer.covers(frame):
            return np.zeros(self._size, bool)
        if frame in layer.keys:
            return self.edits.drawn(layer.number, frame)
        if layer.moves:
            carried = self.edits.carried(layer.number, frame)
            return np.zeros(self._size, bool) if carried is None else carried
        key_frame = layer.key_of(frame)
        return np.zeros(self._size, bool) if key_frame is None else self.edits.drawn(layer.number, key_frame)

    def frame(self, frame: int) -> np.ndarray:
        """All that is hidden in a frame: bool `H W`."""
        mask = np.zeros(self._size, bool)
        for one, pixels in self.detections.pixels(frame) if self.detections else ():
            decision = self.edits.decisions.get(one.name)
            if decision.remove if decision else one.proven:
                steps = decision.grow if decision else 0
                radius = steps * max(1, round(GROWTH * min(self._size)))
                mask |= dilate(pixels, radius) > 0 if radius else pixels
        layers = self.edits.layers.values()
        for layer in (layer for layer in layers if not layer.keeps):
            mask |= self.layer(layer, frame)
        for layer in (layer for layer in layers if layer.keeps):
            mask &= ~self.layer(layer, frame)
        return mask

    def all(self) -> Iterator[np.ndarray]:
        return (self.frame(frame) for frame in range(self.survey.frames))

    def write_video(self, folder: Path, stem: str, forward: Callable[[float], object] = lambda share: None) -> Path:
        """Write a mask video, lossless and grey. Its name has a digest of its pixels in it: it never changes, whatever
        is corrected later, so what is restored with it can be gone on with.
        """
        folder.mkdir(exist_ok=True)
        digest = sha256()
        part = folder / f"{shortened(stem)}_mask_{id(self):x}.mkv"
        with VideoWriter(part, info=self.survey.info, grey=True, overwrite=True) as writer:
            for number, mask in enumerate(self.all()):
                digest.update(np.packbits(mask).tobytes())
                writer.write(mask.astype(np.uint8) * np.uint8(255), self.survey.pts[number])
                forward(number / self.survey.frames)
        path = folder / f"{shortened(stem)}_mask_{digest.hexdigest()[:8]}.mkv"
        return part.replace(path)

    def write_images(self, path: Path) -> None:
        """Write a `.zip` of a folder with an image for each frame."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for number, mask in enumerate(self.all()):
                image = png(mask.astype(np.uint8) * np.uint8(255))
                archive.writestr(zipfile.ZipInfo(f"mask/{number:06}.png"), image)  # of no time: the same bytes again


def follow_layer(
    layer: Layer, edits: Edits, survey: Survey, store: FrameStore, forward: Callable[[float], object]
) -> dict[int, np.ndarray]:
    """What a layer is, bool `H W`, but for its key frames: from each on, within its scene, half way to the next."""
    masks: dict[int, np.ndarray] = {}
    total = sum(len(survey.scene_of(key)) for key in layer.keys)
    for key in layer.keys:
        scene, mask = survey.scene_of(key), edits.drawn(layer.number, key)
        before = max([scene.start, *(k for k in layer.keys if scene.start <= k < key)])
        after = min([scene.stop - 1, *(k for k in layer.keys if key < k < scene.stop)])
        begin = before if before not in layer.keys or before == key else (before + key) // 2 + 1
        end = after if after not in layer.keys or after == key else (key + after) // 2
        for way in (range(key + 1, end + 1), range(key - 1, begin - 1, -1)):
            for frame, carried in follow(mask, key, way, store.frame):
                masks[frame] = carried
                forward(len(masks) / max(1, total))
    return masks


def import_mask(path: Path, edits: Edits, survey: Survey, name: str) -> Layer:
    """A mask as a layer of its own, each of its frames a key frame; an image serves all.

    Args:
        path: a video, an image, or a folder of images.

    Raises:
        MaskError: it has another size or another number of frames.
        VideoError: it cannot be read.
    """
    check = MaskCheck.of(path)
    expected, size = survey.frames, (survey.info.height, survey.info.width)
    if check.frames not in (None, expected):
        raise MaskError(f"mask has {check.frames} frames, video has {expected}; give one frame for each: {name}")
    layer = edits.add(name=name, moves=False)
    with open_mask(path) as reader:
        if (reader.info.height, reader.info.width) != size:
            edits.remove(layer.number)
            got = f"{reader.info.width}x{reader.info.height}"
            raise MaskError(f"mask is {got}, video is {size[1]}x{size[0]}; give one of the video's size: {name}")
        last: np.ndarray | None = None
        for number, frame in enumerate(islice(reader, 1) if check.frames is None else reader):
            mask = check.hidden_pixels(frame.image)
            if last is None or not np.array_equal(mask, last):  # what stands still is one key frame
                edits.draw(layer.number, number, mask)
            last = mask
    return layer
