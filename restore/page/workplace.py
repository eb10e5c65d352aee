"""All that the page holds: the folder, the videos that are open, the models, the queue, the last preview."""

import fcntl
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restore.errors import VideoError
from restore.frame import Frame
from restore.inference.config import GENERATOR
from restore.light.setting import light_setting
from restore.page.folder import Folder, NotHere
from restore.page.frame_store import FrameStore
from restore.page.opened import Opened
from restore.page.pictures import OfPreview, OfResult, Pictures, of_result
from restore.page.run_queue import DONE, Job, RunQueue
from restore.page.settings import arguments, configured
from restore.page.task import Task, Worker
from restore.video.fields import field_order
from restore.video.files import output_path

if TYPE_CHECKING:  # PyTorch and diffusers take seconds to import, and the page is there before
    from restore.inference.config import InferenceConfig
    from restore.pipeline import Restorer
    from restore.refinement.hybrid import Hybrid
    from restore.restored import Restored

AROUND = 6  # frames before and after those of a preview, which they are copied from
OPEN = 4  # videos and results, whose frames are held


class Workplace:
    """A context manager.

    Args:
        root: the folder that the page serves.
        weights: a `generator.pth`, in place of the one that comes with the package.

    Raises:
        VideoError: the folder cannot be written, or (on entering) another page serves it.
    """

    def __init__(self, root: Path, *, weights: str | None = None) -> None:
        self.folder, self.weights = Folder(root), weights
        self.queue: RunQueue
        self._looks, self._works = Worker("looks"), Worker("works")
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._results: OrderedDict[str, OfResult] = OrderedDict()
        self._lock = threading.Lock()
        self._models = threading.Lock()
        self._restorer: Restorer | None = None
        self._hybrid: tuple[list[Any], Hybrid] | None = None
        self.preview: Task | None = None
        self._shown: dict[str, Pictures] = {}
        self._last: tuple[Any, list[Restored]] = None, []  # what the last preview was finished from
        self._previews = 0

    def __enter__(self) -> "Workplace":
        self._claim = open(self.folder.work / "lock", "wb")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
        except OSError as error:
            self._claim.close()
            raise VideoError(f"another page serves this folder; use that one, or end it: {self.folder.root}") from error
        self.queue = RunQueue(self.folder.work / "queue.json")
        self.queue.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for opened in self._opened.values():
            opened.close()
        if self.preview:
            self.preview.cancel()
        self._looks.end()
        self._works.end()
        self.queue.__exit__(*error)
        self._claim.close()

    def open(self, number: str) -> Opened:
        """The video of a number; the models are loaded meanwhile, so that the first preview finds them.

        Raises:
            NotHere: there is none.
        """
        with self._lock:
            if number not in self._opened:
                path = self.folder.video(number)
                self._opened[number] = Opened(path, number, self.folder.work_of(path), self._looks, self._works)
                if self._restorer is None:
                    self._works.do(lambda task: self.restorer())
            self._opened.move_to_end(number)
            while len(self._opened) > OPEN:
                self._opened.popitem(last=False)[1].close()
            return self._opened[number]

    def restorer(self) -> "Restorer":
        """With all models; loaded once."""
        with self._models:
            if self._restorer is None:
                from restore.pipeline import Restorer

                self._restorer = Restorer.from_pretrained(self.weights or GENERATOR)
            return self._restorer

    def arguments(self, opened: Opened, chosen: Mapping[str, Any], original: str | None) -> list[str]:
        """The command line's arguments for a video as it is corrected; the mask that they name is written.

        Raises:
            ConfigError: a setting is wrong.
        """
        path = self.folder.video(opened.number)
        self._arguments(path, chosen, [], original)  # a wrong setting is no reason to write a mask
        return self._arguments(path, chosen, self._mask_flags(opened), original)

    def run(self, opened: Opened, chosen: Mapping[str, Any], original: str | None) -> Job:
        """Put a video into the queue.

        Raises:
            ConfigError: a setting is wrong, or it is in the queue already.
        """
        words = self.arguments(opened, chosen, original)
        folder = self.folder.results_of(opened.path)
        output = output_path(opened.path, folder, lossless=bool(chosen.get("lossless")))
        name = self.folder.name(opened.path)
        return self.queue.add(opened.number, name, words, output, self._original(original))

    def begin_preview(
        self, opened: Opened, chosen: Mapping[str, Any], original: str | None, frame: int, seconds: float
    ) -> None:
        """Begin to restore a frame, or, with `seconds`, those from it on; `preview` says how far it is, and its result
        is the number of its `pictures`, which become more. What does not depend on a setting that was changed since the
        last preview is taken from there.

        Raises:
            ConfigError: a setting is wrong.
        """
        path = self.folder.video(opened.number)
        config = configured(self._arguments(path, chosen, [], original))
        begin = opened.surveyed
        if not 0 <= frame < begin.frames:
            raise NotHere(f"no frame {frame}, the video has {begin.frames}: {opened.path.name}")
        end = frame + 1
        while end < begin.frames and begin.seconds(end) - begin.seconds(frame) < seconds:
            end += 1
        if self.preview:
            self.preview.cancel()

        def work(task: Task) -> str:
            from restore.page.preview import finished

            hybrid = self._refiner(config) if config.refines else None
            results = finished(
                self._generated(opened, range(frame, end), task, config, keep=hybrid is None),
                strength=config.strength,
                hybrid=hybrid,
                hidden_only=config.stages == "fill",
                order=field_order(opened.path),
            )
            known = self._original(original)
            pictures = OfPreview(frame, [], FrameStore(known) if known else None)
            number = ""
            for one in results:
                pictures.frames.append(one)
                number = number or self._show(pictures)
                task.result = number
                task.forward(0.4 + 0.6 * pictures.count / (end - frame))
            return number

        self.preview = self._works.do(work)

    def _generated(
        self, opened: Opened, wanted: range, task: Task, config: "InferenceConfig", *, keep: bool
    ) -> "Iterator[Restored]":
        """What a preview of the `wanted` frames is finished from; what was generated last, if that is the same and all
        that is needed: a refiner needs more than what is kept (`keep`).
        """
        from restore.page.preview import generated, kept
        from restore.pipeline import Restorer

        frames = range(max(0, wanted.start - AROUND), min(opened.surveyed.frames, wanted.stop + AROUND))
        light, copying = light_setting(config.light), config.stages == "copy"
        masks = opened.masks()
        drawn = b"".join(np.packbits(masks.frame(number)).tobytes() for number in frames)
        key = opened.number, opened.digest, wanted, light, copying, opened.detections is None, masks.corrected, drawn
        if keep and self._last[0] == key:
            yield from self._last[1]
            return
        results = []
        for one in generated(
            Restorer() if copying else self.restorer(),
            self._masked(opened, frames, task),
            range(wanted.start - frames.start, wanted.stop - frames.start),
            light=light,
            order=field_order(opened.path),
        ):
            if keep:
                results.append(kept(one))
            yield one
        if keep:
            self._last = key, results

    def pictures(self, number: str) -> Pictures:
        """Pictures of a preview, or, as `run3`, of the result of a run.

        Raises:
            NotHere: there are none.
        """
        if number in self._shown:
            return self._shown[number]
        with self._lock:
            if number not in self._results:
                if not number.startswith("run") or not number[3:].isdigit():
                    raise NotHere("no such preview any more; ask for it again")
                job = self.queue.job(int(number[3:]))
                if job.status != DONE:
                    raise NotHere(f"{job.name} is {job.status}; its pictures are there once it is done")
                original = Path(job.original) if job.original else None
                video = self.folder.video(job.video)
                self._results[number] = of_result(Path(job.output), video, original, job.side, job.total)
            while len(self._results) > OPEN:
                self._results.popitem(last=False)[1].close()
            return self._results[number]

    def forget_result(self, number: int) -> None:
        """The files of a run are written anew."""
        with self._lock:
            if result := self._results.pop(f"run{number}", None):
                result.close()

    def _show(self, pictures: OfPreview) -> str:
        self._previews += 1
        self._shown = {f"preview{self._previews}": pictures}  # the one before is let go
        return f"preview{self._previews}"

    def _arguments(self, path: Path, chosen: Mapping[str, Any], mask: list[str], original: str | None) -> list[str]:
        known = self._original(original)
        folder = self.folder.results_of(path)
        return arguments(path, folder, chosen, mask=mask, original=known, weights=self.weights)

    def _original(self, number: str | None) -> Path | None:
        return self.folder.video(number) if number else None

    def _mask_flags(self, opened: Opened) -> list[str]:
        """The mask as it is corrected; of a video of which nothing is, the one that the command line finds."""
        masks = opened.masks()
        if not masks.corrected:
            return []
        path = masks.write_video(self.folder.work / "masks", opened.path.stem)
        mode = [] if opened.detections else ["--mask_mode", "both"]  # what is found is removed as well
        return ["--mask_video", str(path), *mode]

    def _masked(self, opened: Opened, numbers: range, task: Task) -> list[Frame]:
        """Frames with the masks that the command line would use, the first of it as far as these frames prove it."""
        frames = []
        for at, number in enumerate(numbers):
            frames.append(opened.store.frame(number))
            task.forward(0.1 * at / len(numbers))
        masks = opened.masks()
        if opened.detections is None:
            frames = list(self.restorer().detect(iter(frames)))
            if not masks.corrected:
                return frames
        for number, frame in zip(numbers, frames, strict=True):
            drawn = masks.frame(number).astype(np.float32)
            frame.mask = drawn if frame.mask is None else np.maximum(frame.mask, drawn)
        task.forward(0.4)
        return frames

    def _refiner(self, config: Any) -> "Hybrid":
        from restore.inference.run_jobs import load_hybrid

        key = [config.refiner, config.seed]
        if self._hybrid is None or self._hybrid[0] != key:
            self._hybrid = key, load_hybrid(config, self.restorer())
        return self._hybrid[1]
