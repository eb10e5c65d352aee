"""What holds for every test: no network, and no more than two threads."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported, which reads it once

import socket

import pytest
import torch

torch.set_num_threads(min(2, os.cpu_count() or 1))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a host fails as it does without a network, also where there is one: a test must not depend on it."""
    look_up = socket.getaddrinfo
    local = {None, "", "localhost", "127.0.0.1", "::1", socket.gethostname()}

    def look_up_local(host: str | bytes | None, *args: object, **kwargs: object) -> object:
        if host not in local:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_local)
