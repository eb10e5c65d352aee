"""A folder with small videos and a client of its page, for the tests."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from restore.page.detections import Detections, Found
from restore.page.frame_store import png
from restore.page.server import application
from restore.page.workplace import Workplace

FRAMES = 12
SUSPECT = {"kind": "dirt", "score": 0.75, "frames": [0, FRAMES - 1], "box": [40, 10, 56, 22], "largest": 0.0625}


@contextmanager
def page_of(folder: Path, weights: Path | None = None) -> Iterator[tuple[TestClient, Workplace]]:
    """A client that has the token, and the workplace behind it."""
    with Workplace(folder, weights=str(weights) if weights else None) as place:
        client = TestClient(application(place, port=8000, token="t"), base_url="http://127.0.0.1:8000")
        client.get("/?token=t")
        yield client, place


def number_of(client: TestClient, name: str) -> str:
    """The number of a video."""
    return next(one["number"] for one in client.get("/api/videos").json()["videos"] if one["name"] == name)


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for it => what it is then."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return value


def surveyed(client: TestClient, number: str) -> dict[str, Any]:
    """The state of a video, once it is looked through."""
    return until(lambda: (state := client.get(f"/api/videos/{number}").json())["surveying"]["done"] and state)


def drawing(rows: slice, columns: slice, size: tuple[int, int] = (48, 64)) -> bytes:
    """A mask as the page sends it."""
    mask = np.zeros(size, np.uint8)
    mask[rows, columns] = 255
    return png(mask)


def with_suspect(place: Workplace, video: Path) -> None:
    """As if a suspect had been found in a video."""
    labels = np.zeros((48, 64), np.uint16)
    labels[10:22, 40:56] = 2
    nothing = np.zeros_like(labels)
    detections = Detections([Found("s0", 2, SUSPECT)], [(png(nothing), png(labels))] * FRAMES)
    status = video.stat()
    detections.save(place.folder.work_of(video) / "found.npz", f"{status.st_size} {status.st_mtime_ns}")
