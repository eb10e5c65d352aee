"""Restore degraded video: copy what other frames saw, let a pix2pix GAN deblur, denoise and fill the rest."""

from typing import TYPE_CHECKING, Any

from restore.errors import RestoreError

if TYPE_CHECKING:
    from restore.inference.files import restore_file
    from restore.pipeline import Restorer

__all__ = ["RestoreError", "Restorer", "restore_file"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import: a wrong command line is refused before.
    if name == "Restorer":
        from restore.pipeline import Restorer

        return Restorer
    if name == "restore_file":
        from restore.inference.files import restore_file

        return restore_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
