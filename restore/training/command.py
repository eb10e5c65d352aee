"""The command line of `train.py` and `restore-video train`."""

import sys

from restore.config import chosen, parse, to_yaml
from restore.errors import RestoreError
from restore.training.config import STAGES


def main(argv: list[str] | None = None, *, program: str = "train.py") -> int:
    """Train what the command line asks for => the exit code.

    Args:
        argv: `sys.argv[1:]` where it is None.
        program: as the user called it; every message begins with it.
    """
    try:
        config = parse(chosen("stage", STAGES, argv), argv, program=program)
        if config.dry_run:
            print(to_yaml(config), end="")
            return 0
        from restore.training.stages import train  # the heavy imports, after the command line is known to be right

        return train(config)
    except RestoreError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
