"""Propagation: what the frames before and after saw of each pixel, for a stream of frames, one window in memory.

    frames ──> motion ──> background ──> past: one sweep forward, carried on from window to window
                                    └──> future: one sweep backward a window, from the context behind it

Both sweeps run over every pixel: at a hidden one the memory is the copy that fills it, at a visible one it is an
average with less noise. Use (`pipeline.py`) and training (`training/prepare.py`) build what the generator reads with
this class alone. All that it does to pictures is arithmetic and the operations of `arrays.py`.
"""

from collections import deque

import numpy as np

from restore.frame import Frame
from restore.propagation.background import Background
from restore.propagation.camera import IDENTITY
from restore.propagation.evidence import Evidence
from restore.propagation.fixed_camera import warped_before_background
from restore.propagation.flow import Flow, Motion, estimate
from restore.propagation.memory import Memory

CORE_PIXELS = 40 * 320 * 240  # in the frames that become ready at once, so that memory is bounded for large pictures
CORE_FRAMES = 6, 48  # least and most
LEAST_CONTEXT = 4  # frames behind the core, and a third of it: each is swept twice
DRIFT = 1 / 480  # of the height: once a camera that is not static has moved by more, the background is another


class Propagation:
    """Takes the frames of a video one by one, with masks and scenes, and gives each back once with its evidence.

    Memory: 20 bytes a pixel for each frame that waits for its future (a core, and the context behind it), and 42 to 66
    more, its two memories, for each that becomes ready; at 1920x1080 at most 1.2 GB.

    >>> frame = Frame(np.zeros((16, 16, 3), np.uint8), mask=np.zeros((16, 16), np.float32), scene=0)
    >>> propagation = Propagation(16, 16)
    >>> len(propagation.push(frame)), [evidence.frame is frame for evidence in propagation.flush()]
    (0, [True])
    """

    def __init__(self, height: int, width: int) -> None:
        self._size = height, width
        self._core = int(np.clip(CORE_PIXELS // (height * width), *CORE_FRAMES))
        self._context = max(LEAST_CONTEXT, self._core // 3)
        self._begin_scene()

    def push(self, frame: Frame) -> list[Evidence]:
        """Take the next frame. Returns the evidence that is ready, in order; of most calls nothing is.

        Raises:
            ValueError: the frame is of another size.
        """
        if frame.size != self._size:
            raise ValueError(f"frame is {frame.size[1]}x{frame.size[0]}, expected {self._size[1]}x{self._size[0]}")
        cut = bool(self._waiting) and self._waiting[-1].scene != frame.scene
        ready = self.flush() if cut else []  # nothing is carried across a cut
        if self._waiting:
            frame.motion = estimate(frame, self._waiting[-1])
        self._waiting.append(frame)
        self._vote(frame)
        if len(self._waiting) == self._core + self._context:
            ready += self._ready(self._core)
        return ready

    def flush(self) -> list[Evidence]:
        """The scene has ended: the evidence of all frames that wait. The next frame begins anew."""
        ready = self._ready(len(self._waiting)) if self._waiting else []
        self._begin_scene()
        return ready

    def _begin_scene(self) -> None:
        self._waiting: list[Frame] = []  # frames whose future is not complete, in order
        self._first = 0  # the number of the first of them, counted from the scene's begin
        self._last: Frame | None = None  # the frame before them
        self._memory = Memory.empty(*self._size)  # what the past saw, aligned with `_last`, which it has taken up
        self._background = Background.empty(*self._size)  # after the last frame that was pushed
        self._drift = np.eye(3)  # of the camera since the background began, on lumas

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

    def _ready(self, count: int) -> list[Evidence]:
        """The evidence of the first `count` frames that wait."""
        frames = self._waiting
        neighbours = [self._last or frames[0], *frames, frames[-1]]
        futures = self._sweep_backward(count)
        ready = []
        for index, (frame, future) in enumerate(zip(frames[:count], futures, strict=True)):
            past = self._sweep_forward(frame, self._first + index)
            ready.append(Evidence(frame, neighbours[index], neighbours[index + 2], past, future))
        self._waiting = frames[count:]
        self._first += count
        return ready

    def _sweep_forward(self, frame: Frame, number: int) -> Memory:
        """What the frames before `frame` saw; the memory then takes it up."""
        memory = self._memory
        if frame.motion is not None and self._last is not None:
            memory = self._warped(memory, frame.motion, frame.motion.backward, self._last, frame, number)
        self._memory, self._last = memory.updated(frame), frame
        return memory

    def _sweep_backward(self, count: int) -> list[Memory]:
        """What the frames after each of the first `count` that wait saw."""
        memory = Memory.empty(*self._size)
        futures = deque[Memory]()
        for index in range(len(self._waiting) - 1, -1, -1):
            frame = self._waiting[index]
            if index < count:
                futures.appendleft(memory)
            memory = memory.updated(frame)
            if frame.motion is not None and index > 0:
                earlier, number = self._waiting[index - 1], self._first + index - 1
                memory = self._warped(memory, frame.motion, frame.motion.forward, frame, earlier, number)
        return list(futures)

    def _warped(self, memory: Memory, motion: Motion, flow: Flow, last: Frame, now: Frame, number: int) -> Memory:
        """A memory aligned with the next frame of its sweep, at its exposure."""
        if not motion.static:
            return memory.warped(flow).relit(now)
        return warped_before_background(memory, flow, last=last, now=now, background=self._background, number=number)
