"""What of a video is restored and what is written: all of it, or a range, alone or among the other frames."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from restore.errors import VideoError
from restore.frame import Frame
from restore.inference.inputs import Inputs
from restore.inference.located import Located, locate
from restore.inference.range_setting import RangeSetting
from restore.inference.untouched import with_untouched
from restore.restored import Restored
from restore.video.copied_pictures import ENCODED, Copies
from restore.video.info import VideoInfo

T = TypeVar("T")


@dataclass(frozen=True)
class Ranged:
    """A restoration's range, if it has one.

    Attributes:
        inputs: what is restored.
        located: the range; None: all is restored.
        rest: where the frames outside are read, if they are written.
    """

    inputs: Inputs
    located: Located | None = None
    rest: Inputs | None = None

    @classmethod
    def of(
        cls,
        setting: RangeSetting | None,
        stack: ExitStack,
        inputs: Inputs,
        opened: Callable[..., Inputs],
        masked: Callable[[Inputs], Iterator[Frame]],
        *,
        only: bool,
        detects: bool,
        from_start: bool,
    ) -> "Ranged":
        """For `inputs`; the arguments are those of `locate`. `stack` closes what is opened.

        Args:
            only: the range alone is written.

        Raises:
            VideoError: the range is not in the video.
        """
        if setting is None:
            return cls(inputs)
        located = locate(setting, opened, masked, detects=detects, from_start=from_start)
        return cls(inputs, located, None if only else opened(stack, mask=None))

    @property
    def told(self) -> Inputs:
        """What was read up to where the output ends, so that it tells of what is in it."""
        return self.rest or (self.located.inputs if self.located else self.inputs)

    @property
    def _alone(self) -> Located | None:
        return None if self.rest else self.located

    @property
    def info(self) -> VideoInfo:
        """Of the output."""
        return self._alone.alone(self.inputs.info) if self._alone else self.inputs.info

    @property
    def begin(self) -> int:
        """The frame that one begins to read at."""
        return self.located.begin if self.located else 0

    @property
    def first(self) -> int:
        """The frame that is written first."""
        return self._alone.first if self._alone else 0

    @property
    def pts(self) -> int:
        """What is 0 in the output."""
        return self._alone.pts if self._alone else 0

    def copies(self, output: Path, *, lossless: bool, quality: int | None) -> Copies | None:
        """What goes into the output as it is coded."""
        if self.located is None or self.rest is None or lossless:
            return None
        return self.located.copies(output, quality=quality)

    def notes(self, copies: Copies | None, *, lossless: bool) -> list[str]:
        """What a person may not expect of the output, one line each."""
        return [copies.note if copies else ENCODED] if self.rest and not lossless else []

    def start(self, *, whole_scene: bool) -> tuple[int, int]:
        """Read over what need not be seen => how many frames are seen that do not come out, and how many then come out
        before the range: where what follows needs a `whole_scene`.
        """
        if self.located is None:
            return 0, 0
        self.inputs.skip(self.located.begin, self.first)
        ahead = self.located.first - self.located.scene if whole_scene else 0
        return self.located.first - self.located.begin - ahead, ahead

    def number(self, done: int) -> int:
        """Of the frame that is restored next, in the output, of which so many are written."""
        return max(done, self.located.first - self.first) if self.located else done

    def written(
        self, results: Generator[Restored, None, None], *, done: int, kinds: bool
    ) -> Generator[Restored, None, None]:
        """What goes to the output from restored frames: see `with_untouched`."""
        if self.located is None or self.rest is None:
            return results
        return with_untouched(results, self.rest.video, self.located, done=done, kinds=kinds)

    def ending(self, items: Iterator[T], *, done: int) -> Iterator[T]:
        """Items, one a frame, up to where the output ends."""
        return islice(items, self._alone.count - done if self._alone else None)

    def refuse_parts(self, frames: int) -> None:
        """Refuse a video whose picture changed its size, after so many frames, where they are not all of the range.

        Raises:
            VideoError: it has.
        """
        if self.rest and self.rest.video.following:
            raise VideoError(
                f"the picture changes its size after {frames} frames, and a range is of one size; "
                f"ask for the range alone, or restore the whole: {self.rest.whole.path}"
            )

    def regions(self, regions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of a report, without what is outside the range."""
        return regions if self.located is None else self.located.regions(regions, first=self.number(0))

    def report(self, copies: Copies | None) -> dict[str, Any] | None:
        """What the report says of the range."""
        if self.located is None:
            return None
        return self.located.as_json() | {"only": self.rest is None, "copied": copies.frames if copies else []}
