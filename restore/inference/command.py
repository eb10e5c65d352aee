"""The command line of `inference.py` and `restore-video restore`: check everything, then restore."""

import signal
import sys

from restore.config import parse
from restore.errors import RestoreError, printable, unexpected
from restore.inference.config import InferenceConfig
from restore.inference.process import set_up_process

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


def main(argv: list[str] | None = None, *, program: str = "inference.py") -> int:
    """Restore what the command line asks for => the exit code.

    Args:
        argv: `sys.argv[1:]` where it is None.
        program: as the user called it; every message begins with it.
    """
    try:
        config = parse(InferenceConfig, argv, program=program)
        from restore.inference.jobs import find_jobs  # the imports get heavier as more is known to be right

        jobs = find_jobs(
            config.degraded_video,
            config.output_dir,
            mask_video=config.mask_video if config.takes_mask else None,
            original_video=config.original_video,
            lossless=config.lossless,
            quality=config.quality,
            container=config.container,
            rate=config.rate,
            scale=config.scale,
            square_pixels=config.square_pixels,
            write_mask=config.write_mask,
            write_suspects=config.write_mask and config.finds,
            provenance=config.provenance,
            confidence=config.confidence,
            uncertainty=config.refines and config.seeds > 1,
            side_by_side=config.side_by_side,
            report=config.report,
            overwrite=config.overwrite,
            shard=config.share,
        )
        if config.ray:
            from restore.inference.cluster import restore_on_ray

            return restore_on_ray(jobs, config, program=program)
        from restore.inference.run_jobs import restore_jobs

        return restore_jobs(jobs, config, program=program)
    except RestoreError as error:
        print(f"{program}: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        print(
            f"{program}: {printable(unexpected(error))}: {printable(' '.join(argv or sys.argv[1:]))}", file=sys.stderr
        )
        return RestoreError.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted; what is done is kept, the same command goes on behind it", file=sys.stderr)
        return INTERRUPTED


def run(argv: list[str] | None = None, *, program: str = "inference.py") -> int:
    """`main` with all that is set for the whole process: a program of its own."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as after Ctrl-C
    set_up_process(program)
    return main(argv, program=program)
