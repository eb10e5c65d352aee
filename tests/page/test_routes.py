"""What the page asks for, without a browser: masks in and out, which mask a run takes, previews."""

import asyncio
import io
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="pip install -r requirements-page.txt")
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from restore.errors import VideoError
from restore.page.folder import Folder, receive
from restore.page.frame_store import png, unpng
from restore.page.workplace import Workplace
from tests.page.place import FRAMES, drawing, number_of, page_of, surveyed, until, with_suspect
from tests.video.make import make_video

BOX = slice(8, 20), slice(8, 24)


@pytest.fixture
def page(tmp_path: Path, tiny_weights: Path) -> Iterator[tuple[TestClient, Workplace]]:
    make_video(tmp_path / "clip.mp4", range(FRAMES))
    with page_of(tmp_path, tiny_weights) as (client, place):
        yield client, place


@pytest.fixture
def client(page: tuple[TestClient, Workplace]) -> TestClient:
    return page[0]


def at(client: TestClient) -> str:
    number = number_of(client, "clip.mp4")
    surveyed(client, number)
    return f"/api/videos/{number}"


def drawn(client: TestClient, here: str, **layer: bool) -> int:
    """A layer with a box in frame 3."""
    number: int = client.post(f"{here}/layers", json=layer).json()["number"]
    assert client.put(f"{here}/layers/{number}/3.png", content=drawing(*BOX)).status_code == 200
    return number


def mask(client: TestClient, here: str, frame: int) -> np.ndarray:
    image = unpng(client.get(f"{here}/mask/{frame}.png").content)
    assert image is not None
    return image > 127


def command(client: TestClient, here: str) -> list[str]:
    words: list[str] = client.post(f"{here}/command", json={}).json()["command"].split()
    return words


def test_which_mask_a_run_takes(page: tuple[TestClient, Workplace], tmp_path: Path) -> None:
    client, place = page
    here = at(client)
    assert "--mask_video" not in command(client, here)  # nothing corrected: the command finds it
    number = drawn(client, here, moves=False)
    words = command(client, here)
    assert words[words.index("--mask_mode") + 1] == "both"  # nothing looked for: it finds the rest
    first = Path(words[words.index("--mask_video") + 1])
    with_suspect(place, tmp_path / "clip.mp4")
    place.open(here.rpartition("/")[2]).close()
    place._opened.clear()
    here = at(client)
    assert "--mask_mode" not in command(client, here)
    client.delete(f"{here}/layers/{number}")
    assert "--mask_video" not in command(client, here)  # a suspect that nobody accepted changes nothing
    state = client.post(f"{here}/decide", json={"name": "s0", "remove": True}).json()
    assert state["decisions"] == {"s0": {"remove": True, "grow": 0}}
    words = command(client, here)
    assert Path(words[words.index("--mask_video") + 1]) != first and first.exists()
    assert mask(client, here, 0)[10:22, 40:56].all()


def test_masks_go_out_and_come_in(client: TestClient) -> None:
    here = at(client)
    number = drawn(client, here, moves=False)
    video = client.get(f"{here}/mask.mkv")
    assert video.headers["content-disposition"] == 'attachment; filename="clip_mask.mkv"'
    images = client.get(f"{here}/mask.zip").content
    client.delete(f"{here}/layers/{number}")
    assert not mask(client, here, 5).any()
    with zipfile.ZipFile(io.BytesIO(images)) as archive:
        files = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert len(files) == FRAMES
    for batch, given in {"a": {"m.mkv": video.content}, "b": files, "c": {"m.png": files["000000.png"]}}.items():
        for name, content in given.items():
            assert client.put(f"{here}/import/{batch}", params={"name": name}, content=content).status_code == 200
        answer = client.post(f"{here}/import/{batch}").json()
        assert all(mask(client, here, frame)[BOX].all() for frame in (0, 3, FRAMES - 1))
        assert mask(client, here, 5).sum() == 12 * 16
        client.delete(f"{here}/layers/{answer['number']}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[tuple[TestClient, str]]:
    """A client that nothing changes anything with, and where its video is; with a layer that is empty."""
    folder = tmp_path_factory.mktemp("videos")
    make_video(folder / "clip.mp4", range(FRAMES))
    with page_of(folder, tiny_weights) as (client, _):
        here = at(client)
        client.post(f"{here}/layers", json={})
        yield client, here


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "reason"),
    [
        ("PUT", "/layers/1/3.png", png(np.zeros((8, 8), np.uint8)), 400, "expected a PNG of 64x48, the video's size"),
        ("PUT", "/layers/1/3.png", b"no picture", 400, "expected a PNG of 64x48"),
        ("PUT", "/layers/1/99.png", drawing(*BOX), 404, "no frame 99, the video has 12"),
        ("PUT", "/layers/7/3.png", drawing(*BOX), 404, "no such layer"),
        ("POST", "/layers/1", b'{"moves": 3}', 400, "a layer has no such setting"),
        ("POST", "/layers/1", b"[]", 400, "expected a JSON object"),
        ("POST", "/layers/1", b"{", 400, "Expecting"),
        ("POST", "/decide", b'{"name": "s9"}', 404, "no such detection"),
        ("POST", "/import/x", b"", 404, "no file came"),
        ("PUT", "/import/x?name=..", b"", 400, "cannot be called that"),
        ("GET", "/frame/99.png", b"", 404, "no frame 99, the video has 12: clip.mp4"),
        ("GET", "/frame/1.exe", b"", 404, "pictures are png or jpg"),
        ("GET", "/mask/99.png", b"", 404, "no frame 99"),
        ("GET", "/scene/9.jpg", b"", 404, "no scene 9, the video has 1"),
        ("POST", "/preview", b'{"frame": 99}', 404, "no frame 99, the video has 12"),
        ("POST", "/preview", b'{"settings": {"strength": 7}}', 400, "strength is 7.0, expected 0 to 1"),
        ("POST", "/run", b'{"settings": {"light": "x"}}', 400, "light is x, expected auto, off"),
        ("POST", "/run", b'{"original": "../secret.mp4"}', 404, "no such video in the folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    shared: tuple[TestClient, str], method: str, path: str, content: bytes, status: int, reason: str
) -> None:
    client, here = shared
    answer = client.request(method, here + path, content=content)
    assert answer.status_code == status and reason in answer.json()["error"]
    assert client.get("/api/queue").json() == [] and not mask(client, here, 3).any()


def test_two_seconds_are_previewed(client: TestClient) -> None:
    here = at(client)
    drawn(client, here)
    client.post(f"{here}/preview", json={"frame": 9, "seconds": 2, "settings": {"stages": "copy"}})
    state = until(lambda: (now := client.get("/api/preview").json())["done"] and now)
    assert state["error"] is None
    shown = client.get(f"/api/pictures/{state['pictures']}").json()
    assert (shown["first"], shown["count"]) == (9, 3)
    first, last = (client.get(f"/api/pictures/{state['pictures']}/degraded/{frame}.png") for frame in (9, 11))
    assert first.content == client.get(f"{here}/frame/9.png").content != last.content
    assert client.get(f"/api/pictures/{state['pictures']}/restored/8.png").status_code == 404
    assert client.get("/api/pictures/preview99").status_code == 404
    assert client.get("/api/pictures/run1").status_code == 404


def test_pictures_are_shown_before_all_are_there_and_generated_once(page: tuple[TestClient, Workplace]) -> None:
    client, place = page
    here = at(client)
    drawn(client, here, moves=False)
    generator, calls, go = place.restorer().generator, list[int](), threading.Event()
    assert generator is not None

    def wait(*_: object) -> None:
        calls.append(1)
        assert len(calls) == 1 or go.wait(60)

    generator.register_forward_pre_hook(wait)

    def ask(**chosen: object) -> None:
        client.post(f"{here}/preview", json={"frame": 0, "seconds": 2, "settings": chosen})

    def pictures(what: str) -> str:
        number: str = until(lambda: (now := client.get("/api/preview").json())[what] and now["pictures"])
        return number

    def pixels(number: str, name: str) -> np.ndarray:
        image = unpng(client.get(f"/api/pictures/{number}/{name}/3.png").content)
        assert image is not None
        return image.astype(float)

    ask()
    number = pictures("pictures")
    assert 0 < client.get(f"/api/pictures/{number}").json()["count"] < FRAMES
    go.set()
    assert pictures("done") == number
    assert client.get(f"/api/pictures/{number}").json()["count"] == FRAMES
    degraded, restored = pixels(number, "degraded"), pixels(number, "restored")
    assert len(calls) == FRAMES / 4

    ask(strength=0.5)  # nothing is generated for it
    number = pictures("done")
    half, visible = pixels(number, "restored"), np.ones(restored.shape[:2], bool)
    visible[BOX] = False
    assert np.abs(half - (degraded + restored) / 2)[visible].max() <= 0.5 < np.abs(half - restored).max()
    assert np.array_equal(half[~visible], restored[~visible])
    assert len(calls) == FRAMES / 4

    assert client.put(f"{here}/layers/1/3.png", content=drawing(slice(0, 4), slice(0, 4))).status_code == 200
    ask(strength=0.5)  # behind another mask
    assert not np.array_equal(pixels(pictures("done"), "restored"), half)
    assert len(calls) == FRAMES / 2


def test_one_page_serves_a_folder(page: tuple[TestClient, Workplace], tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="another page serves this folder; use that one, or end it"):
        Workplace(tmp_path).__enter__()


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(1000)
        raise ClientDisconnect

    folder = Folder(tmp_path)
    with pytest.raises(ClientDisconnect):
        asyncio.run(receive(folder, tmp_path / "a.mp4", breaking(), 2000))
    assert [path.name for path in tmp_path.iterdir()] == [".restore_page"]
