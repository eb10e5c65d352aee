"""A progress bar for all videos of a folder, above that of the one that is being restored, with the time left."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

from restore.video.clip import stated_frames


class FolderBar:
    """A context manager; it counts frames, and videos in front of them: one after the other by `update`, or several at
    once by `reach`. Where stderr is no terminal there is none, and no video is opened for it.

    What a header states is about right, and of the videos whose headers state nothing each counts as the mean of the
    others: once a video is done its true number counts. The time left follows the mean speed, without what was restored
    before.

    Args:
        videos: that are to be done.
        name: in front of the bar.
        row: of the terminal.
        hidden: where the bar of the one video tells enough.
    """

    def __init__(self, videos: Sequence[Path], name: str, *, row: int, hidden: bool) -> None:
        self._name, self._ended = name, 0
        self._counted = [(0, 0)] * len(videos)  # frames done before, and now
        self._bar = tqdm(desc=name, unit=" frames", position=row, leave=False, disable=hidden or None, smoothing=0)
        stated = [] if self._bar.disable else [stated_frames(video) for video in videos]
        known = [count for count in stated if count]
        mean = sum(known) / len(known) if known else 0
        self._expected = [count or mean for count in stated]
        self._display()

    def __enter__(self) -> "FolderBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def update(self, frames: int) -> None:
        """So many frames more of this video are done; several at once were done before."""
        before, now = self._counted[self._ended]
        self.reach(self._ended, *((before + frames, now) if frames > 1 else (before, now + frames)))

    def reach(self, video: int, before: int, now: int) -> None:
        """So many frames of a video, by its number, were done before, and are done now; fewer than there were, where it
        is done again.
        """
        (old_before, old_now), self._counted[video] = self._counted[video], (before, now)
        if before != old_before and not self._bar.disable:
            self._bar.initial += before - old_before
        self._bar.update(before - old_before + now - old_now)

    def end(self, video: int | None = None) -> None:
        """No more frames of a video come, by default of the one that `update` counts; then it counts the next."""
        if not self._bar.disable:
            at = self._ended if video is None else video
            self._expected[at] = sum(self._counted[at])
        self._ended += 1
        self._display()

    def _display(self) -> None:
        if not self._bar.disable:
            self._bar.total = round(sum(self._expected)) or None
            self._bar.set_description(f"{self._name}: {self._ended} of {len(self._counted)} videos")
