import io
from collections.abc import Callable

import pytest

from restore.inference.refining_bar import refining_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """All that was ever printed in a line."""
        return [line.strip() for line in self.getvalue().replace("\x1b[A", "\r").replace("\n", "\r").split("\r")]


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Callable[[io.StringIO], None]:
    """Sets it; to be called by the test itself, as pytest sets it anew when the fixtures are made."""
    return lambda stream: monkeypatch.setattr("sys.stderr", stream)


def test_each_stretch_has_a_bar_which_goes_when_it_is_refined(stderr: Callable[[io.StringIO], None]) -> None:
    stderr(terminal := Terminal())
    with refining_bar(1) as show:
        assert not terminal.getvalue()
        for stretch in (2, 5):
            show(stretch, 0, 3)
            assert terminal.lines[-2].startswith(f"refining stretch {stretch}:   0%") and "0/3" in terminal.lines[-2]
            for call in (1, 2, 3):
                show(stretch, call, 3)
            assert not any(terminal.lines[-2:])  # wiped
    assert not any(terminal.lines[-2:])


def test_a_refiner_that_fails_leaves_no_bar(stderr: Callable[[io.StringIO], None]) -> None:
    stderr(terminal := Terminal())

    def refine() -> None:
        with refining_bar(1) as show:
            show(1, 0, 3)
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        refine()
    assert "refining stretch 1" in terminal.getvalue() and not any(terminal.lines[-2:])


def test_nothing_is_printed_where_nothing_is_refined_or_stderr_is_no_terminal(
    stderr: Callable[[io.StringIO], None],
) -> None:
    stderr(terminal := Terminal())
    with refining_bar(0):
        pass
    assert not terminal.getvalue()
    stderr(log := io.StringIO())
    with refining_bar(0) as show:
        show(1, 0, 2)
        show(1, 2, 2)
    assert not log.getvalue()
