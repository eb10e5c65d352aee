"""The folder of the page: its own videos and nothing else, uploads whole or not at all."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="pip install -r requirements-page.txt")
from starlette.testclient import TestClient

from restore.page.folder import Folder, NotHere
from tests.page.place import number_of, page_of
from tests.video.make import make_video

EVIL = "<img src=x onerror=alert(1)>.mp4"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    make_video(tmp_path / "clip.mp4", title="<b>bold</b>", seconds_of_sound=0.5)
    with page_of(tmp_path) as (client, _):
        yield client


def test_videos_are_listed_and_results_are_not(tmp_path: Path, client: TestClient) -> None:
    (tmp_path / "sub").mkdir()
    make_video(tmp_path / "sub" / EVIL)
    (tmp_path / "notes.txt").write_text("no video")
    names = [one["name"] for one in client.get("/api/videos").json()["videos"]]
    assert names == ["clip.mp4", f"sub/{EVIL}"]


def test_nothing_outside_the_folder_is_reachable(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    outside = make_video(tmp_path / "secret.mp4")
    (inside / "link.mp4").symlink_to(outside)
    make_video(inside / "own.mp4")
    folder = Folder(inside)
    assert [path.name for path in folder.videos().values()] == ["own.mp4"]
    with pytest.raises(NotHere, match="no such video in the folder"):
        folder.video("../secret.mp4")
    with page_of(inside) as (client, _):
        for number in ("..%2Fsecret.mp4", "secret.mp4", "0" * 16):
            assert client.get(f"/api/videos/{number}").status_code == 404
        for path in ("/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py"):
            assert client.get(path).status_code == 404


def test_facts_are_text(client: TestClient) -> None:
    answer = client.get(f"/api/videos/{number_of(client, 'clip.mp4')}/facts").json()
    facts = dict(answer["facts"])
    assert facts["size"] == "64 x 48 pixels" and facts["rate"] == "25 frames a second"
    assert facts["scan"] == "progressive" and facts["sound"].startswith("aac, 48000 Hz")
    assert facts["tag title"] == "<b>bold</b>"  # as it is: the page shows it as text


def test_an_upload_appears_whole(tmp_path: Path, client: TestClient) -> None:
    video = make_video(tmp_path.parent / "from_elsewhere.mp4").read_bytes()
    answer = client.put(f"/api/upload?name={EVIL}", content=video)
    assert answer.status_code == 200
    assert (tmp_path / EVIL).read_bytes() == video
    assert number_of(client, EVIL) == answer.json()["number"]


@pytest.mark.parametrize(
    ("name", "content", "status", "reason"),
    [
        ("notes.mp4", b"no video at all", 400, "not a video that FFmpeg can read"),
        ("clip.mp4", b"x", 400, "there is a file of this name already"),
        (".hidden.mp4", b"x", 400, "cannot be called that"),
        ("..", b"x", 400, "cannot be called that"),
        ("", b"x", 400, "cannot be called that"),
    ],
)
def test_other_uploads_leave_nothing(
    tmp_path: Path, client: TestClient, name: str, content: bytes, status: int, reason: str
) -> None:
    before = (tmp_path / "clip.mp4").read_bytes()
    answer = client.put("/api/upload", params={"name": name}, content=content)
    assert answer.status_code == status and reason in answer.json()["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".restore_page", "clip.mp4"]
    assert (tmp_path / "clip.mp4").read_bytes() == before


def test_a_name_with_folders_stays_in_the_folder(tmp_path: Path, client: TestClient) -> None:
    video = make_video(tmp_path.parent / "other.mp4").read_bytes()
    assert client.put("/api/upload", params={"name": "../../../up.mp4"}, content=video).status_code == 200
    assert (tmp_path / "up.mp4").exists() and not (tmp_path.parent / "up.mp4").exists()


def test_what_the_disk_cannot_hold_is_refused_before_it_is_sent(
    tmp_path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=64 * 2**20 + 1000))
    answer = client.put("/api/upload?name=large.mp4", content=bytes(2000))
    assert answer.status_code == 507
    assert answer.json()["error"] == "the file has 0.0 MB, the disk room for 0.0: large.mp4"
    # One that states no length is stopped once the room is used up.
    answer = client.put("/api/upload?name=large.mp4", content=iter([bytes(2000)]))
    assert answer.status_code == 507 and answer.json()["error"] == "the disk is full; make room: large.mp4"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["clip.mp4"]
