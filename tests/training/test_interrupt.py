import os
import signal
from collections.abc import Iterator

import pytest
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from restore.training.interrupt import stop_after_step


class Stopped(Exception):
    pass


def stop(kind: int, frame: object) -> None:
    raise Stopped


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def kind(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal whose usual effect is `Stopped`."""
    before = signal.signal(request.param, stop)
    yield request.param
    signal.signal(request.param, before)


def test_the_first_sets_and_the_second_acts(kind: signal.Signals) -> None:
    with stop_after_step() as interrupt:
        assert not interrupt.requested
        os.kill(os.getpid(), kind)
        assert interrupt.requested
        with pytest.raises(Stopped):
            os.kill(os.getpid(), kind)


def test_afterwards_signals_act_as_before(kind: signal.Signals) -> None:
    with stop_after_step():
        assert signal.getsignal(kind) is not stop
    assert signal.getsignal(kind) is stop
    with pytest.raises(RuntimeError, match="on the way"), stop_after_step():
        raise RuntimeError("on the way")
    assert signal.getsignal(kind) is stop


def test_interrupts_are_told_apart(kind: signal.Signals) -> None:
    with stop_after_step():
        os.kill(os.getpid(), kind)
    with stop_after_step() as interrupt:
        assert not interrupt.requested


def test_one_process_agrees_with_itself(kind: signal.Signals) -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=True)
    with stop_after_step() as interrupt:
        assert not interrupt.agreed(accelerator)
        os.kill(os.getpid(), kind)
        assert interrupt.agreed(accelerator)
