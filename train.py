"""Train the restorer. `python train.py --help` lists every setting (of another stage: `--stage refiner --help`).

`configs/` holds profiles.
"""

import sys

from restore.config import chosen, parse, to_yaml
from restore.errors import RestoreError
from restore.training.config import STAGES
from restore.waiting_threads import let_waiting_threads_sleep


def main(argv: list[str] | None = None) -> int:
    try:
        config = parse(chosen("stage", STAGES, argv), argv)
        if config.dry_run:
            print(to_yaml(config), end="")
            return 0
        from restore.training.stages import train  # the heavy imports, after the command line is known to be right

        return train(config)
    except RestoreError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    let_waiting_threads_sleep()
    sys.exit(main())
