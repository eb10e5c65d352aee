"""Train the restorer. `python train.py --help` lists every setting (of another stage: `--stage refiner --help`).

`configs/` holds profiles.
"""

import sys

from restore.training.command import main
from restore.waiting_threads import let_waiting_threads_sleep

if __name__ == "__main__":
    let_waiting_threads_sleep()
    sys.exit(main())
