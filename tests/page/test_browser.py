"""The page in a real browser: open, accept, draw, undo, preview, run, cancel, resume; by keyboard alone, too."""

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="pip install -r requirements-page.txt")
pytest.importorskip("playwright.sync_api", reason="pip install -r requirements-dev.txt")
import uvicorn
from playwright import sync_api as playwright

import inference
from restore.page.server import application
from restore.page.workplace import Workplace
from restore.video.reader import VideoReader
from tests.page.place import FRAMES, until, with_suspect
from tests.video.make import make_video

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium; apt-get install chromium")
EVIL = "<img src=x onerror=alert(1)>.mp4"
PATIENCE = 120_000  # ms; most of what is waited for takes a tenth of a second, the first import of PyTorch many


@contextmanager
def served(folder: Path, weights: Path) -> Iterator[str]:
    """The page, served by a thread; the address with its token."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with listener, Workplace(folder, weights=str(weights)) as place:
        with_suspect(place, folder / "clip.mp4")
        config = uvicorn.Config(application(place, port=port, token="t"), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/?token=t"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    make_video(folder / "clip.mp4", range(FRAMES), title="<script>alert(1)</script>")
    make_video(folder / EVIL, range(4))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(folder: Path, tiny_weights: Path, browser: Any) -> Iterator[str]:
    with served(folder, tiny_weights) as address:
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, freshly loaded. Nothing may be wrong in its console, and no request may leave the machine."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    yield page
    page.close()
    # Chromium notes each request that is refused; why it was stands on the page.
    assert [line for line in wrong if "status of 400" not in line] == []
    here = address.partition("?")[0]
    assert [url for url in requests if not url.startswith((here, f"blob:{here}"))] == []


def opened(page: Any, name: str = "clip.mp4") -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.locator("#strip button").first.wait_for()
    until(lambda: page.evaluate("document.getElementById('stage').width") == 64)


def drag(page: Any, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Over the stage, from one pixel of the video to another."""
    box = page.locator("#stage").bounding_box()
    scale = min(box["width"] / 64, box["height"] / 48)
    left, top = box["x"] + (box["width"] - 64 * scale) / 2, box["y"] + (box["height"] - 48 * scale) / 2
    page.mouse.move(left + begin[0] * scale, top + begin[1] * scale)
    page.mouse.down()
    page.mouse.move(left + end[0] * scale, top + end[1] * scale, steps=4)
    page.mouse.up()


def mask_of(page: Any, frame: int) -> np.ndarray:
    """The mask of a frame, bool, as the server has it."""
    code = f"""async () => {{
        const {{ video }} = await import('/static/video.js');
        const response = await fetch(`/api/videos/${{video.number}}/mask/{frame}.png`);
        const bitmap = await createImageBitmap(await response.blob());
        const context = new OffscreenCanvas(64, 48).getContext('2d');
        context.drawImage(bitmap, 0, 0);
        return [...context.getImageData(0, 0, 64, 48).data].filter((_, at) => at % 4 === 0);
    }}"""
    return np.array(page.evaluate(code)).reshape(48, 64) > 127


def states(page: Any) -> str:
    return page.locator("#queue").inner_text()


def test_names_and_tags_with_html_in_them_are_text(page: Any) -> None:
    assert page.locator("#videos button").all_inner_texts() == [EVIL, "clip.mp4"]
    assert "token" not in page.url  # nor in the history
    opened(page)
    playwright.expect(page.locator("#facts")).to_contain_text("<script>alert(1)</script>")
    playwright.expect(page.locator("#facts")).to_contain_text("12 frames, one scene")
    assert page.locator("#videos img, #facts script").count() == 0


def test_a_hand_drawn_mask_is_restored_as_by_the_command_line_that_is_shown(
    page: Any, folder: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    opened(page)  # the first action
    page.get_by_role("button", name=re.compile("Accept: dirt")).click()
    page.get_by_role("button", name="Box", exact=True).click()
    drag(page, (8, 8), (24, 20))
    until(lambda: mask_of(page, 0)[12, 16])
    assert mask_of(page, 0)[8:20, 8:24].all() and mask_of(page, 0)[10:22, 40:56].all()
    assert mask_of(page, 0).sum() == 12 * 16 + 12 * 16

    # Cancelled and resumed: the same command again.
    page.get_by_role("button", name="Restore", exact=True).click()
    cancel = page.get_by_role("button", name="Cancel: clip.mp4")
    cancel.click()
    resume = page.get_by_role("button", name="Resume: clip.mp4")
    resume.wait_for()
    assert "cancelled" in states(page) and not list(folder.glob("restored_videos/*.mp4"))
    # A second run of the same file, while the first is there: refused in one line.
    resume.click()
    page.get_by_role("button", name="Restore", exact=True).click()
    playwright.expect(page.locator("#notice")).to_contain_text("in the queue already; wait, or cancel that run first")
    page.get_by_role("button", name="Compare: clip.mp4").wait_for()
    result = folder / "restored_videos/clip_restored.mp4"

    command = page.locator("#command").inner_text().split()
    assert command[:4] == ["python", "-m", "restore", "restore"] and "--mask_video" in command
    again = [str(tmp_path) if word == str(folder / "restored_videos") else word for word in command[4:]]
    assert inference.main([*again, "--device", "cpu"]) == 0
    assert (tmp_path / "clip_restored.mp4").read_bytes() == result.read_bytes()
    with VideoReader(command[command.index("--mask_video") + 1]) as reader:
        masks = [frame.image[..., 0] > 127 for frame in reader]
    assert len(masks) == FRAMES and np.array_equal(masks[0], mask_of(page, 0))

    # The result, beside what it was made of.
    page.get_by_role("button", name="Compare: clip.mp4").click()
    until(lambda: page.evaluate("document.getElementById('compare').width") == 64)
    assert page.locator("#left option").all_inner_texts() == ["degraded", "restored", "provenance", "confidence"]
    page.locator("#right").select_option("provenance")
    playwright.expect(page.locator("#legend")).to_contain_text("copied from another frame")
    page.locator("#compare-frame").fill("0")
    page.get_by_role("button", name="Play both").click()
    playwright.expect(page.locator("#compare-time")).to_have_text(f"frame {FRAMES - 1}")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Report").click()
    playwright.expect(popup.value).to_have_title(re.compile("clip"))
    popup.value.close()


def test_drawing_is_undone_and_cleared_and_outlives_the_browser(page: Any) -> None:
    opened(page, EVIL)
    page.get_by_role("button", name="Brush").click()
    drag(page, (10, 10), (40, 10))
    until(lambda: mask_of(page, 0)[10, 10:41].all())
    page.get_by_role("button", name="Eraser").click()
    drag(page, (20, 10), (25, 10))
    until(lambda: not mask_of(page, 0)[10, 20:26].any())
    page.get_by_role("button", name="Undo").click()
    until(lambda: mask_of(page, 0)[10, 10:41].all())
    page.get_by_role("button", name="Polygon").click()
    for corner in ((30, 20), (50, 20), (50, 40)):
        drag(page, corner, corner)
    page.keyboard.press("Enter")
    until(lambda: mask_of(page, 0)[25, 45])
    assert not mask_of(page, 0)[35, 35]  # the other side of its slope
    page.reload()
    opened(page, EVIL)
    assert mask_of(page, 0)[25, 45] and mask_of(page, 0)[10, 10:41].all()
    page.get_by_role("button", name="Brush").click()
    drag(page, (5, 40), (25, 40))  # on the layer that is there, while the page asks how far the one before was followed
    drag(page, (5, 44), (25, 44))
    until(lambda: mask_of(page, 0)[40, 5:26].all() and mask_of(page, 0)[44, 5:26].all())
    assert mask_of(page, 0)[25, 45] and page.locator("#layers li").count() == 1
    page.get_by_role("button", name="Clear").click()
    until(lambda: not mask_of(page, 0).any())
    page.get_by_role("button", name="Delete").click()
    playwright.expect(page.locator("#layers li")).to_have_count(0)


def test_two_people_at_once_of_whom_one_closes_the_browser(page: Any, browser: Any, address: str, folder: Path) -> None:
    other = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(address)
    opened(page, "clip.mp4")
    opened(other, EVIL)
    before = mask_of(page, 0)
    for person, corner in ((page, (2, 40)), (other, (40, 2))):
        person.get_by_role("button", name="Box", exact=True).click()
        drag(person, corner, (corner[0] + 6, corner[1] + 6))
    until(lambda: mask_of(page, 0)[40:46, 2:8].all() and mask_of(other, 0)[2:8, 40:46].all())
    assert np.array_equal(mask_of(page, 0) & ~before, drawn_box((2, 40)) & ~before)
    assert np.array_equal(mask_of(other, 0), drawn_box((40, 2)))

    other.get_by_role("button", name="Restore", exact=True).click()
    other.get_by_role("button", name=f"Cancel: {EVIL}").wait_for()
    other.context.close()
    page.get_by_role("button", name=f"Compare: {EVIL}").wait_for()  # it ran on, and the other sees it
    with VideoReader(folder / "restored_videos" / EVIL.replace(".mp4", "_restored.mp4")) as reader:
        assert sum(1 for _ in reader) == 4
    opened(page, EVIL)
    assert np.array_equal(mask_of(page, 0), drawn_box((40, 2)))


def drawn_box(corner: tuple[int, int]) -> np.ndarray:
    """bool `H W`, with the box of 6x6 pixels from a corner, (x, y), on."""
    mask = np.zeros((48, 64), bool)
    mask[corner[1] : corner[1] + 6, corner[0] : corner[0] + 6] = True
    return mask


def test_by_keyboard_alone(page: Any) -> None:
    def to(selector: str) -> None:
        """Tab on until it has the focus."""
        for _ in range(120):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"no way to {selector}")

    page.locator("#videos button").last.wait_for()
    to("#videos li:last-child button")
    page.keyboard.press("Enter")
    page.locator("#strip button").first.wait_for()
    until(lambda: page.evaluate("document.getElementById('stage').width") == 64)
    to("#frame")
    page.keyboard.press("ArrowRight")
    playwright.expect(page.locator("#time")).to_contain_text("frame 1 of 12")
    to("#stage")
    before = mask_of(page, 1)
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")
    until(lambda: mask_of(page, 1)[14, 32])
    page.keyboard.press("Control+z")
    until(lambda: np.array_equal(mask_of(page, 1), before))
    to("[aria-label^='Reject: dirt']")
    page.keyboard.press("Enter")
    until(lambda: not mask_of(page, 1)[15, 45])
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Reject: dirt")
    to("#preview")
    page.keyboard.press("Enter")
    page.locator("#compare-part").wait_for()
    playwright.expect(page.locator("#notice")).to_contain_text("from the frames around alone")
    page.keyboard.press("Tab")
    page.locator("#divide").focus()
    page.keyboard.press("End")
    assert page.locator("#divide").input_value() == "100"
    to("#tab-compare")
    page.keyboard.press("ArrowLeft")
    playwright.expect(page.locator("#view-mask")).to_be_visible()


def test_pages_without_the_token_are_forbidden(browser: Any, address: str) -> None:
    page = browser.new_page()
    answer = page.goto(address.partition("?")[0])
    assert answer.status == 403 and "the address that" in page.inner_text("body")
    page.close()
