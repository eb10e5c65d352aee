"""`python -m restore page`: its address, its end, and what it says where its packages are not installed."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from restore.__main__ import main

ROOT = Path(__file__).parents[2]


def test_without_its_packages_one_line_says_how_to_install_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["page", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "restore: the page needs starlette and uvicorn, not installed; pip install -r requirements-page.txt, "
        'or pip install "restore-video[page]"\n'
    )
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_imports_them() -> None:
    imports = re.compile(r"^\s*(from|import) (starlette|uvicorn)", re.MULTILINE)
    using = {path.parent.name for path in (ROOT / "restore").rglob("*.py") if imports.search(path.read_text())}
    assert using == {"page"}


def test_it_is_served_on_this_machine_alone_until_ctrl_c(tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="pip install -r requirements-page.txt")
    command = [sys.executable, "-m", "restore", "page", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:") and "/?token=" in address
        assert process.stdout.readline() == f"the page of {tmp_path}; Ctrl-C ends it\n"
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.status == 200 and "restore_page_" in answer.headers["set-cookie"]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.partition("?")[0], timeout=60)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "restore: interrupted\n"


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("starlette", reason="pip install -r requirements-page.txt")
    assert main(["page", str(tmp_path / "no")]) == 2
    error = capsys.readouterr().err
    assert error == f"restore: no such folder; give one with videos, or create it first: {tmp_path / 'no'}\n"
