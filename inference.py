"""Restore degraded video. `python inference.py --help` lists every setting."""

import sys

from restore.inference.command import main, run

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(run())
