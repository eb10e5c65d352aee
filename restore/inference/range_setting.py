"""What part of a video is to be restored, as people write it: `120-360` in frames, `00:01:00-00:02:30` in times."""

import re
from dataclasses import dataclass
from fractions import Fraction

FORMS = "FIRST-LAST in frames, as 120-360, or BEGIN-END in times, as 00:01:00-00:02:30; without an end: to the last"
FRAME = r"\d+"
TIME = r"(?:\d+:)?[0-5]?\d:[0-5]?\d(?:\.\d+)?"


@dataclass(frozen=True)
class RangeSetting:
    """From one frame to another, both included; or from one time up to another, of which the frames are those that
    begin in it.

    Attributes:
        text: as it was written.
        begin, end: numbers of frames, counted from 0; or seconds since the first frame begins. An `end` of None is that
            of the video.
        timed: whether they are seconds.
    """

    text: str
    begin: Fraction
    end: Fraction | None
    timed: bool

    @classmethod
    def of(cls, text: str) -> "RangeSetting":
        """Read a setting.

        Raises:
            ValueError: it has another form, or ends before it begins.

        >>> RangeSetting.of("120-360")
        RangeSetting(text='120-360', begin=Fraction(120, 1), end=Fraction(360, 1), timed=False)
        >>> RangeSetting.of("1:30.5-")
        RangeSetting(text='1:30.5-', begin=Fraction(181, 2), end=None, timed=True)
        """
        match = re.fullmatch(rf"({FRAME})-({FRAME})?|({TIME})-({TIME})?", text, re.ASCII)
        if match is None:
            raise ValueError(f"range is {text!r}, expected {FORMS}")
        frames, times = match.groups()[:2], match.groups()[2:]
        timed = times[0] is not None
        begin, end = (None if part is None else _number(part) for part in (times if timed else frames))
        assert begin is not None, "the form has one"
        if end is not None and (end < begin or (timed and end == begin)):
            raise ValueError(f"range is {text!r}, which ends before it begins; expected {FORMS}")
        return cls(text, begin, end, timed)

    def holds(self, frame: int, seconds: Fraction) -> bool:
        """Whether it holds a frame, by its number and by when it begins."""
        if self.timed:
            return self.begin <= seconds and (self.end is None or seconds < self.end)
        return self.begin <= frame and (self.end is None or frame <= self.end)


def _number(text: str) -> Fraction:
    """A number of frames, or a time in seconds."""
    whole = Fraction(0)
    for part in text.split(":"):
        whole = 60 * whole + Fraction(part)
    return whole
