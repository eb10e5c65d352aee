"""`restore-video COMMAND`, or `python -m restore COMMAND`: restore videos, train, make a degraded video, score a
restored one, see what the restorer does, prove a report, all of it in a browser.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from restore.errors import ConfigError, RestoreError, printable, unexpected
from restore.kinds import ALONE, BOX_MOTIONS, KINDS
from restore.waiting_threads import let_waiting_threads_sleep

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """argparse's complaint in one line, in place of its usage text and exit."""
        raise ConfigError(f"{message.removeprefix('argument ')}; --help lists all")


def main(argv: Sequence[str] | None = None, *, program: str = "python -m restore") -> int:
    """Do what the command line asks for => the exit code.

    Args:
        argv: `sys.argv[1:]` where it is None.
        program: as the user called it.
    """
    argv = sys.argv[1:] if argv is None else [*argv]
    # These two have profiles, and many flags.
    if argv[:1] == ["restore"]:
        from restore.inference.command import run as restore

        return restore(argv[1:], program=f"{program} restore")
    if argv[:1] == ["train"]:
        from restore.training.command import main as train

        return train(argv[1:], program=f"{program} train")
    try:
        settings = _parser(program).parse_args(argv)
        if settings.command == "degrade":
            from restore.degrade_file import degrade_file

            mask = degrade_file(
                settings.video,
                settings.output,
                kind=settings.kind,
                obstructions=settings.obstructions,
                seed=settings.seed,
                lossless=settings.lossless,
            )
            print(f"{settings.output}: degraded; {mask}: its mask, white where hidden")
        elif settings.command == "score":
            from restore.inference.score import score
            from restore.scoring.report import table

            summary = score(settings.video, settings.original, mask=settings.mask, lpips=settings.lpips)
            print(printable(table({settings.video.stem: summary})))
        elif settings.command == "verify":
            from restore.inference.verify import verify

            right = []
            for line, as_it_should in verify(settings.report, again=settings.again):
                print(printable(line), flush=True)
                right.append(as_it_should)
            return 0 if all(right) else RestoreError.exit_code
        elif settings.command == "page":
            from restore.page.command import page

            page(settings.folder, weights=settings.weights_path)
        else:
            from restore.demo import demo

            demo(frames=settings.frames, output_dir=settings.output_dir)
        return 0
    except RestoreError as error:
        print(f"restore: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        print(f"restore: {printable(unexpected(error))}: {printable(' '.join(argv))}", file=sys.stderr)
        return RestoreError.exit_code
    except KeyboardInterrupt:
        print("restore: interrupted", file=sys.stderr)
        return INTERRUPTED


def run() -> int:
    """`main` as a program of its own: the console command."""
    let_waiting_threads_sleep()
    warnings.formatwarning = lambda message, *_: f"restore: {message}\n"
    return main(program="python -m restore" if sys.argv[0].endswith("__main__.py") else "restore-video")


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=program, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("restore", help="restore a video, or a folder of them, as inference.py does")
    commands.add_parser("train", help="train the models, as train.py does")

    degrade = commands.add_parser(
        "degrade", help="blur a video, put something before it, add noise", allow_abbrev=False
    )
    degrade.add_argument("video", metavar="IN", help="the video to degrade")
    degrade.add_argument(
        "output", metavar="OUT", help="the video to write; its mask goes to the same folder, OUT's stem + _mask.mkv"
    )
    before = degrade.add_mutually_exclusive_group()
    before.add_argument(
        "--kind",
        choices=BOX_MOTIONS + ALONE,
        default="moving",
        metavar="KIND",
        help=f"blur, noise and grey boxes, which are {', '.join(BOX_MOTIONS)} (default: moving); or one degradation "
        f"alone: {', '.join(ALONE)}",
    )
    before.add_argument(
        "--obstructions",
        type=_obstructions,
        default=(),
        metavar="KIND,...",
        help=f"what hides the scene instead, one or more of {', '.join(KINDS)}",
    )
    degrade.add_argument("--seed", type=int, default=0, help="the same seed degrades alike (default: 0)")
    degrade.add_argument("--lossless", action="store_true", help="write FFV1 in RGB; OUT must be .mkv")

    score = commands.add_parser("score", help="compare a restored video with its original", allow_abbrev=False)
    score.add_argument("video", metavar="RESTORED", type=Path, help="the video to score")
    score.add_argument("original", metavar="ORIGINAL", type=Path, help="what it should be")
    score.add_argument("--mask", type=Path, help="white where it was hidden: scores hidden and visible pixels, too")
    score.add_argument("--lpips", action="store_true", help="also LPIPS and DISTS")

    demo = commands.add_parser("demo", help="degrade a small clip, restore it, show the scores", allow_abbrev=False)
    demo.add_argument("--frames", type=int, default=75, help="frames of the clip to work on (default: 75)")
    demo.add_argument("--output_dir", default="demo_output", help="where the results go (default: demo_output)")

    verify = commands.add_parser("verify", help="prove that a report's files are those it tells of", allow_abbrev=False)
    verify.add_argument("report", metavar="REPORT", type=Path, help="STEM_restored.json")
    verify.add_argument("--again", action="store_true", help="restore the video again, and compare the bytes")

    page = commands.add_parser("page", help="see, correct and restore videos in a browser", allow_abbrev=False)
    page.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="of the videos (default: this one)")
    page.add_argument("--weights_path", metavar="FILE", help="the generator.pth, by default the one that is shipped")
    return parser


def _obstructions(text: str) -> list[str]:
    """`leaves,dirt` => its parts."""
    kinds = text.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        expected = ", ".join(KINDS)
        raise argparse.ArgumentTypeError(f"unknown obstruction '{unknown[0]}', expected some of {expected}")
    return kinds


if __name__ == "__main__":
    sys.exit(run())
