"""What holds for every test: no network, and one thread, here and in the processes that tests start."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported, which reads it once
# Before torch and OpenCV are imported. Tests run side by side, and networks this small take 1.7 times the CPU with two
# threads. How many threads add up a sum decides its last bit, so that all processes have as many.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENCV_FOR_THREADS_NUM"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin steal from those that work

import socket
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch

from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.weights import save_models


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """What a test sets by `--threads` is not there in the next."""
    yield
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


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


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `generator.pth` of tiny untrained models: the finder finds nothing hidden, the generator returns its base."""
    shape = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}
    generator, finder = UNetGenerator(**shape), OcclusionFinder(**shape)
    assert finder.unet.tail.bias is not None
    torch.nn.init.constant_(finder.unet.tail.bias, -6)
    path = tmp_path_factory.mktemp("weights") / "generator.pth"
    save_models(path, {"generator": (generator, shape), "finder": (finder, shape)})
    return path


@pytest.fixture(scope="session")
def tiny_refiner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A refiner's folder, of tiny untrained models."""
    from diffusers import DDIMScheduler  # takes seconds, which most tests need not wait for

    from restore.models.autoencoder import build_autoencoder
    from restore.models.denoiser import build_denoiser
    from restore.models.noise_schedule import NOISE
    from restore.refinement.refiner import RefinerPipeline

    folder = tmp_path_factory.mktemp("refiner")
    torch.manual_seed(0)
    RefinerPipeline(
        vae=build_autoencoder(latent_channels=4, downsampling=4, width=8),
        unet=build_denoiser(latent_channels=4, widths=(16, 16), frames=4),
        scheduler=DDIMScheduler(**NOISE),
    ).save_pretrained(folder)
    return folder
