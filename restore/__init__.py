"""Restore degraded video: copy what other frames saw, let a pix2pix GAN deblur, denoise and fill the rest."""

from restore.errors import RestoreError
from restore.pipeline import Restorer

__all__ = ["RestoreError", "Restorer"]
