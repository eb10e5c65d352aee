"""A second progress bar, below that of the frames, for the model calls of the stretch that is being refined."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def refining_bar(row: int) -> Iterator[Callable[[int, int, int], None]]:
    """Yields what shows `(stretch, model calls made, model calls in all)`; see `hybrid.refine_frames`.

    The bar stands in `row` of the terminal from the first report on a stretch until all its calls are made, so only
    while something is refined. Where stderr is no terminal there is none.
    """
    bar: tqdm | None = None

    def show(stretch: int, call: int, calls: int) -> None:
        nonlocal bar
        if bar is None:
            description = f"refining stretch {stretch}"
            bar = tqdm(total=calls, desc=description, unit=" calls", position=row, leave=False, disable=None)
        bar.update(call - bar.n)
        if call == calls:
            bar.close()
            bar = None

    try:
        yield show
    finally:  # what is interrupted has its bar taken away, too
        if bar is not None:
            bar.close()
