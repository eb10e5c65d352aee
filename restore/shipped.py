"""Where the weights and profiles lie that come with the package: beside it in a checkout, inside it once installed."""

from pathlib import Path

PACKAGE = Path(__file__).parent
ROOT = PACKAGE if (PACKAGE / "saved_models").is_dir() else PACKAGE.parent
WEIGHTS = ROOT / "saved_models"


def shipped(name: str) -> str:
    """A file or folder by the name that README.md gives it, such as `configs/quick.yaml`: the one in the current
    folder, or, where there is none, the one that comes with the package. Other names are returned as they are.

    >>> Path(shipped("saved_models/generator.pth")).exists(), shipped("OWNER/NAME")
    (True, 'OWNER/NAME')
    """
    return str(ROOT / name) if not Path(name).exists() and (ROOT / name).exists() else name


def relative_to_root(path: str | Path) -> str:
    """A path as it is, or, of what comes with the package, the name that `shipped` takes.

    >>> relative_to_root(WEIGHTS / "generator.pth"), relative_to_root("/data/generator.pth")
    ('saved_models/generator.pth', '/data/generator.pth')
    """
    path = Path(path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
