"""Nobody but the page itself talks to its server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="pip install -r requirements-page.txt")
from starlette.testclient import TestClient

from restore.page.guard import new_token
from restore.page.server import application
from restore.page.workplace import Workplace

PORT, TOKEN = 8000, "right"
HERE = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with Workplace(tmp_path) as place:
        yield TestClient(application(place, port=PORT, token=TOKEN), base_url=HERE)


@pytest.mark.parametrize(
    "path", ["/", "/?token=wrong", "/?token=", "/static/main.js", "/api/videos", "/api/queue", "/x"]
)
def test_without_the_token_everything_is_forbidden(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 403
    assert "open the address that `python -m restore page` printed" in answer.text
    assert "set-cookie" not in answer.headers


def test_what_changes_something_is_forbidden_too(client: TestClient, tmp_path: Path) -> None:
    assert client.put("/api/upload?name=a.mp4", content=b"x").status_code == 403
    assert client.post("/api/queue/1/cancel").status_code == 403
    assert not list(tmp_path.glob("*.mp4"))


def test_the_address_gives_a_cookie_that_other_sites_cannot_send(client: TestClient) -> None:
    answer = client.get(f"/?token={TOKEN}")
    assert answer.status_code == 200 and "<title>restore</title>" in answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie == f"restore_page_{PORT}={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert client.get("/api/videos").status_code == 200  # by the cookie alone


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("host", "evil.example:8000", "answers to 127.0.0.1 alone"),
        ("host", "127.0.0.1:8001", "answers to 127.0.0.1 alone"),
        ("origin", "http://evil.example", "from another site"),
        ("origin", "null", "from another site"),
        ("sec-fetch-site", "cross-site", "from another site"),
        ("sec-fetch-site", "same-site", "from another site"),
    ],
)
def test_other_sites_are_refused_whatever_they_know(client: TestClient, name: str, value: str, reason: str) -> None:
    answer = client.get(f"/api/videos?token={TOKEN}", headers={name: value})
    assert answer.status_code == 403 and reason in answer.text


def test_the_page_itself_is_answered(client: TestClient) -> None:
    headers = {"origin": HERE, "sec-fetch-site": "same-origin"}
    assert client.get(f"/api/videos?token={TOKEN}", headers=headers).status_code == 200


def test_nothing_but_the_page_is_loaded_into_it(client: TestClient) -> None:
    headers = client.get(f"/?token={TOKEN}").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


def test_tokens_are_random() -> None:
    assert new_token() != new_token() and len(new_token()) >= 43
