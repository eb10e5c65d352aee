import logging
from pathlib import Path

import pytest
import torch

from restore.engines.cache import cached, fingerprint, folders
from restore.engines.ncnn_network import BIN, NcnnNetwork
from tests.engines.networks import network

pytest.importorskip("ncnn")
pytest.importorskip("pnnx")


def test_a_network_is_exported_once_and_anew_when_its_weights_change(tmp_path: Path) -> None:
    given = network("finder")
    first = cached(given, tmp_path, "finder")
    written = (first / BIN).stat().st_mtime_ns
    assert cached(given, tmp_path, "finder") == first and (first / BIN).stat().st_mtime_ns == written
    other = cached(network("generator"), tmp_path, "generator")
    with torch.no_grad():
        given.tail.bias += 1  # type: ignore[union-attr, operator]
    second = cached(given, tmp_path, "finder")
    assert second != first
    assert sorted(tmp_path.iterdir()) == sorted([other, second])  # and the one of the old weights is gone
    picture = torch.randn(1, 9, 32, 32)
    with torch.no_grad():
        assert torch.allclose(NcnnNetwork(second)(picture), given.whole(picture), atol=1e-4)


def test_the_fingerprint_is_of_weights_and_layers() -> None:
    given, same, other = network("finder"), network("finder"), network("generator")
    assert fingerprint(given) == fingerprint(same) != fingerprint(other)
    same.half()
    assert fingerprint(given) != fingerprint(same)


@pytest.mark.parametrize("name", ["network.bin", "network.param", "record.json"])
def test_what_was_kept_and_is_broken_is_made_anew_and_said(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = network("finder")
    kept = cached(given, tmp_path, "finder")
    whole = (kept / name).read_bytes()
    (kept / name).write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING):
        assert cached(given, tmp_path, "finder") == kept
    assert (kept / name).read_bytes() == whole
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == [f"what was exported is broken and is made anew: {kept}"]


def test_what_is_exported_is_kept_beside_the_weights_or_else_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "weights").mkdir()
    beside, users = folders(tmp_path / "weights/generator.pth")
    assert beside == tmp_path / "weights/.ncnn" and users.parent == tmp_path / "cache/restore"
    assert folders(tmp_path / "weights") == [beside, users]
    assert folders(tmp_path / "other/generator.pth")[1] != users
