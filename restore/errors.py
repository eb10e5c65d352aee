"""Every error a user can cause, as a tree. The command line prints one line and exits with `exit_code`.

    RestoreError                exit 1: the work stopped half way; what was done is kept and named
    └── InputError              exit 2: the user's input is wrong; nothing was written
        ├── VideoError          a video that cannot be opened, has no picture, or cannot be written
        ├── MaskError           a mask that does not fit its video
        ├── WeightsError        weights that are missing, broken, unsafe or of another model
        ├── ConfigError         a setting that is unknown or of the wrong type
        └── DataError           a training folder without usable videos

A message says what was got, what was expected, how to mend it, and the path:
`mask has 118 frames, video has 120; give one mask frame per video frame: clip.mp4`.
"""


class RestoreError(Exception):
    """The work stopped half way. What was finished before stays on disk."""

    exit_code = 1


class InputError(RestoreError):
    """The user's input is wrong."""

    exit_code = 2


class VideoError(InputError):
    """A video cannot be opened, holds no picture, or cannot be written."""


class MaskError(InputError):
    """A mask does not fit the video that it belongs to."""


class WeightsError(InputError):
    """Weights are missing, broken, unsafe to load, or belong to another model."""


class ConfigError(InputError):
    """A setting is unknown or has the wrong type."""


class DataError(InputError):
    """A folder of training videos holds nothing usable."""


def unexpected(error: Exception) -> str:
    """One line on an exception that is none of the tree: what is wrong is not the user's input alone.

    >>> unexpected(KeyError("pts"))
    "stopped by an error that no one expects (KeyError: 'pts'); what is done is kept, please report it"
    """
    said = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return f"stopped by an error that no one expects ({said}); what is done is kept, please report it"


def printable(text: str) -> str:
    r"""The text with bytes that are no UTF-8, as file names may hold them, written out.

    >>> printable("caf\udce9.mp4")
    'caf\\xe9.mp4'
    """
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
