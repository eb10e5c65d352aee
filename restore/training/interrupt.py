"""Ctrl-C during training: finish the step, write the checkpoint, stop. A second Ctrl-C stops at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch
from accelerate import Accelerator


class Interrupt:
    """`requested` becomes True when the user asks to stop."""

    requested = False

    def agreed(self, accelerator: Accelerator) -> bool:
        """Whether any process was asked to stop: all must stop after the same step, or they wait for each other."""
        if accelerator.num_processes == 1:
            return self.requested
        flag = torch.tensor(float(self.requested), device=accelerator.device)
        return bool(accelerator.reduce(flag, reduction="sum") > 0)


@contextmanager
def stop_after_step() -> Iterator[Interrupt]:
    """Inside, SIGINT and SIGTERM only set `requested`; afterwards, and on the second time, they do what they did."""
    interrupt = Interrupt()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def ask(kind: int, frame: FrameType | None) -> None:
        interrupt.requested = True
        signal.signal(kind, before[signal.Signals(kind)])

    for kind in kinds:
        signal.signal(kind, ask)
    try:
        yield interrupt
    finally:
        for kind in kinds:
            signal.signal(kind, before[kind])
