"""One progressive frame for each field, by FFmpeg's `bwdif` (BBC's w3fdif and yadif, weighed)."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.filter import Graph


def deinterlaced(
    frames: Iterable[tuple[av.VideoFrame, int]], time_base: Fraction, *, top_first: bool
) -> Iterator[tuple[av.VideoFrame, int]]:
    """Twice as many frames, each with its pts in units of half of `time_base`.

    Args:
        frames: interlaced ones, each with its pts in units of `time_base`, which moves forward.
        top_first: whether the top field of each is first.
    """
    graph: Graph | None = None
    for frame, pts in frames:
        if graph is None:
            graph = _graph(frame, time_base, top_first=top_first)
        frame.pts, frame.time_base = pts, time_base
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _graph(frame: av.VideoFrame, time_base: Fraction, *, top_first: bool) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=time_base)
    order = graph.add("setfield", "tff" if top_first else "bff")
    bwdif = graph.add("bwdif", "mode=send_field:deint=all")
    sink = graph.add("buffersink")
    source.link_to(order)
    order.link_to(bwdif)
    bwdif.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph) -> Iterator[tuple[av.VideoFrame, int]]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):  # FFmpeg wants more, or has no more
            return
        assert isinstance(frame, av.VideoFrame) and frame.pts is not None, "bwdif gives every picture its time"
        yield frame, frame.pts
