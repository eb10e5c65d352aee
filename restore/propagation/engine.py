"""Propagation: what the frames before and after saw of each pixel, for a stream of frames, one window in memory.

    frames ──> motion ──> background ──> past: one sweep forward, carried on from window to window
                                    └──> future: one sweep backward a window, from the context behind it

Both sweeps run over every pixel: at a hidden one the memory is the copy that fills it, at a visible one it is an
average with less noise. Use (`pipeline.py`) and training (`training/prepare.py`) build what the generator reads with
this class alone. All that it does to pictures is arithmetic and the operations of `arrays.py`.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np

from restore.frame import Frame
from restore.memory_plan import WHOLE, MemoryPlan
from restore.propagation.background import Background
from restore.propagation.camera import IDENTITY
from restore.propagation.evidence import Evidence
from restore.propagation.fixed_camera import warped_before_background
from restore.propagation.flow import Flow, Motion, estimate
from restore.propagation.memory import Memory
from restore.propagation.state import State
from restore.tensors import frames_at_once

CORE_PIXELS = 40 * 320 * 240  # in the frames that become ready at once, so that memory is bounded for large pictures
CORE_FRAMES = 6, 48  # least and most
LEAST_CONTEXT = 4  # frames behind the core, and a third of it: each is swept twice
DRIFT = 1 / 480  # of the height: once a camera that is not static has moved by more, the background is another


class Propagation:
    """Takes the frames of a video one by one, with masks and scenes, and gives each back once with its evidence.

    Memory: 20 bytes a pixel for each frame that waits for its future (a core, and the context behind it), and 21 to 33
    for the future of each that becomes ready; the past is one memory, carried on. At 1920x1080 0.9 GB.

    Args:
        segment: frames after which a segment ends, with the core or, from half of them on, at a cut: the last frame
            that is given back `ends` it, and has the `state` behind it unless it is the last of its scene. None: never.
        cuts_only: a segment ends at cuts alone.
        plan: how much of this is in memory at once.

    >>> frame = Frame(np.zeros((16, 16, 3), np.uint8), mask=np.zeros((16, 16), np.float32), scene=0)
    >>> propagation = Propagation(16, 16)
    >>> list(propagation.push(frame)), [evidence.frame is frame for evidence in propagation.flush()]
    ([], [True])
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        segment: int | None = None,
        cuts_only: bool = False,
        plan: MemoryPlan = WHOLE,
    ) -> None:
        self._plan = plan
        self._size = height, width
        self._segment, self._cuts_only = segment, cuts_only
        self._given = 0  # frames given back since the last segment ended
        self._core = int(np.clip(CORE_PIXELS // (height * width), *CORE_FRAMES))
        # Whole batches, so that those of a scene are the same wherever a segment ends in it.
        self._core -= self._core % frames_at_once(height, width)
        self._context = max(LEAST_CONTEXT, self._core // 3)
        self._begin_scene()

    def push(self, frame: Frame) -> Iterator[Evidence]:
        """Take the next frame. Yields the evidence that is ready, in order: of most calls none. The iterator does the
        work: exhaust it before the next call.

        Raises:
            ValueError: the frame is of another size.
        """
        if frame.size != self._size:
            raise ValueError(f"frame is {frame.size[1]}x{frame.size[0]}, expected {self._size[1]}x{self._size[0]}")
        if self._waiting and self._waiting[-1].scene != frame.scene:
            self._waiting[-1].ends = self._is_due(len(self._waiting), cut=True)
            yield from self.flush()  # nothing is carried across it
        previous = self._waiting[-1] if self._waiting else self._last
        if previous is not None:
            frame.motion = estimate(frame, previous)
        self._waiting.append(frame)
        if self._voted:
            self._voted -= 1
        else:
            self._vote(frame)
        if len(self._waiting) == self._core + self._context:
            yield from self._ready(self._core)

    def flush(self) -> Iterator[Evidence]:
        """The scene has ended: the evidence of all frames that wait. Exhaust it, too; the next frame begins anew."""
        yield from self._ready(len(self._waiting))
        self._begin_scene()

    def _begin_scene(self) -> None:
        self._waiting = deque[Frame]()  # frames whose future is not complete, in order
        self._first = 0  # the number of the first of them, counted from the scene's begin
        self._last: Frame | None = None  # the frame before them
        self._memory = Memory.empty(*self._size)  # what the past saw, aligned with `_last`, which it has taken up
        self._background = Background.empty(*self._size)  # after the last frame that was pushed
        self._drift = np.eye(3)  # of the camera since the background began, on lumas
        self._voted = 0  # how many of the next frames have voted before the state was taken

    def resume(self, state: State, last: Frame) -> None:
        """Go on behind the frame `last`, with the state that it had; before the first frame is pushed."""
        self._memory, self._background, self._drift = state.memory, state.background, state.drift
        self._first, self._last, self._voted = state.first, last, self._context

    def _vote(self, frame: Frame) -> None:
        """Let a frame vote on the background, which begins anew once the camera has drifted too far."""
        if frame.motion is not None and not frame.motion.static:
            self._drift = self._drift @ np.vstack([frame.motion.camera.matrix, [0, 0, 1]])
            rows, columns = frame.luma.shape
            corners = np.array([[0, 0, 1], [columns, 0, 1], [0, rows, 1], [columns, rows, 1]])
            if frame.motion.camera.unknown or np.abs(corners @ (self._drift[:2] - IDENTITY).T).max() > DRIFT * rows:
                self._background, self._drift = Background.empty(*self._size), np.eye(3)
                return
        self._background = self._background.voted(frame, self._first + len(self._waiting) - 1)

    def _ready(self, count: int) -> Iterator[Evidence]:
        """The evidence of the first `count` frames that wait."""
        futures = self._sweep_backward(count)
        previous = self._last
        for left in reversed(range(count)):  # one by one, so that each can be freed before the next
            frame = self._waiting.popleft()
            past = self._sweep_forward(frame, self._first)
            self._first += 1
            if not left and self._waiting and self._is_due(1, cut=False):
                frame.ends = True
                frame.state = State(self._memory, self._background, self._drift, self._first)
            self._given = 0 if frame.ends else self._given + 1
            following = self._waiting[0] if self._waiting else frame
            yield Evidence(frame, previous or frame, following, past, futures.popleft())
            previous = frame

    def _is_due(self, count: int, *, cut: bool) -> bool:
        """Whether a segment ends `count` frames on."""
        if self._segment is None or (self._cuts_only and not cut):
            return False
        return self._given + count >= (self._segment // 2 if cut else self._segment)

    def _sweep_forward(self, frame: Frame, number: int) -> Memory:
        """What the frames before `frame` saw; the memory then takes it up."""
        memory = self._memory
        if frame.motion is not None and self._last is not None:
            memory = self._warped(memory, frame.motion, frame.motion.backward, self._last, frame, number)
        self._memory, self._last = memory.updated(frame), frame
        return memory

    def _sweep_backward(self, count: int) -> deque[Memory]:
        """What the frames after each of the first `count` that wait saw."""
        memory = Memory.empty(*self._size)
        futures = deque[Memory]()
        for index in range(len(self._waiting) - 1, -1, -1):
            frame = self._waiting[index]
            if index < count:
                futures.appendleft(self._plan.put(memory))
                self._plan.rest()
            memory = memory.updated(frame)
            if frame.motion is not None and index > 0:
                earlier, number = self._waiting[index - 1], self._first + index - 1
                memory = self._warped(memory, frame.motion, frame.motion.forward, frame, earlier, number)
        return futures

    def _warped(self, memory: Memory, motion: Motion, flow: Flow, last: Frame, now: Frame, number: int) -> Memory:
        """A memory aligned with the next frame of its sweep, at its exposure."""
        if not motion.static:
            return memory.warped(flow).relit(now)
        return warped_before_background(memory, flow, last=last, now=now, background=self._background, number=number)
