"""What is set on the page => the command line that does the same; nothing is set here that it does not have."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restore.config import parse
from restore.errors import ConfigError
from restore.inference.config import InferenceConfig

CHOSEN = "strength", "light", "stages", "seed", "lossless", "overwrite"  # settings that the page has
ALWAYS = "--provenance", "--confidence", "--report"  # side files that the page shows


def flags(chosen: Mapping[str, Any]) -> list[str]:
    """Settings as flags, but for those that are as by default.

    Raises:
        ConfigError: one is unknown.

    >>> flags({"strength": 0.5, "light": "off", "lossless": True})
    ['--strength', '0.5', '--lossless']
    """
    words: list[str] = []
    for name, value in chosen.items():
        if name not in CHOSEN:
            raise ConfigError(f"unknown setting {name!r}, expected some of {', '.join(CHOSEN)}")
        default = getattr(InferenceConfig, name)
        if value is True:
            words.append(f"--{name}")
        elif value not in (default, False, None, ""):
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def arguments(
    video: Path,
    output_dir: Path,
    chosen: Mapping[str, Any],
    *,
    mask: list[str],
    original: Path | None,
    weights: str | None,
) -> list[str]:
    """The arguments of `restore-video restore`, all paths whole.

    Args:
        mask: its flags.

    Raises:
        ConfigError: as the command line itself.
    """
    words = ["--degraded_video", str(video), "--output_dir", str(output_dir), *mask]
    words += ["--original_video", str(original)] if original else []
    words += ["--weights_path", str(Path(weights).absolute())] if weights else []
    words += [*flags(chosen), *ALWAYS]
    configured(words)
    return words


def configured(words: list[str]) -> InferenceConfig:
    """Arguments as the command line reads them.

    Raises:
        ConfigError: as the command line itself.
    """
    return parse(InferenceConfig, words)


def process(words: list[str]) -> list[str]:
    """The program that is run: with the same Python."""
    return [sys.executable, "-m", "restore", "restore", *words]


def shown(words: list[str]) -> str:
    """The command as a person types it.

    >>> shown(["--degraded_video", "/a/my clip.mp4"])
    "python -m restore restore --degraded_video '/a/my clip.mp4'"
    """
    return shlex.join(["python", "-m", "restore", "restore", *words])


def checked_settings(given: Any) -> tuple[dict[str, Any], str | None]:
    """Settings as the page sends them, and the number of the original, if there is one.

    Raises:
        ConfigError: it is something else.
    """
    chosen = given.get("settings", {})
    original = given.get("original") or None
    if not isinstance(chosen, dict) or not isinstance(original, str | None):
        raise ConfigError("got something else than settings; load the page again")
    return chosen, original
