import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from restore.errors import WeightsError
from restore.models.discriminator import PatchGAN
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.weights import FORMAT, load_models, load_whole, save_models, save_whole

TINY: dict[str, Any] = {"widths": [8, 8], "blocks": [1, 1], "decoder_blocks": [1]}


def made() -> dict[str, tuple[nn.Module, dict[str, Any]]]:
    torch.manual_seed(0)
    return {
        "generator": (UNetGenerator(in_channels=23, **TINY), {"in_channels": 23} | TINY),
        "finder": (OcclusionFinder(**TINY), TINY),
    }


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_models(tmp_path / "generator.pth", made())
    return tmp_path / "generator.pth"


def test_a_gated_generator_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = GatedGenerator(**TINY)
    save_models(tmp_path / "generator.pth", {"generator": (model, TINY)}, half=False)
    loaded = load_models(tmp_path / "generator.pth", ("generator",))["generator"]
    evidence = torch.randn(1, 23, 20, 30)
    assert isinstance(loaded, GatedGenerator) and torch.equal(loaded(evidence), model(evidence))


def message(path: Path, names: tuple[str, ...] = ("generator",)) -> str:
    """What the loader says of a file; one line, with the path."""
    with pytest.raises(WeightsError) as caught:
        load_models(path, names)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(str(path)) and len(text) < 500
    return text


@pytest.mark.parametrize("half", [True, False])
def test_models_come_back(tmp_path: Path, half: bool) -> None:
    models = made()
    path = tmp_path / "new" / "folder" / "generator.pth"
    save_models(path, models, half=half)
    loaded = load_models(path, ("generator", "finder"))
    assert list(loaded) == ["generator", "finder"]
    for name, (model, _) in models.items():
        assert type(loaded[name]) is type(model) and not loaded[name].training
        state = model.state_dict()
        for key, value in loaded[name].state_dict().items():
            assert value.dtype == torch.float32
            bound = 2**-11 * state[key].abs() + 1e-7 if half else torch.zeros(())  # half has 11 bits
            assert ((value - state[key]).abs() <= bound).all(), key
    assert [path.name for path in path.parent.iterdir()] == ["generator.pth"]  # nothing temporary stays


def test_half_takes_half_the_room(tmp_path: Path) -> None:
    for half in (True, False):
        save_models(tmp_path / f"{half}.pth", made(), half=half)
    assert (tmp_path / "True.pth").stat().st_size < 0.6 * (tmp_path / "False.pth").stat().st_size


def test_every_model_that_is_trained_comes_back_and_computes_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    models: dict[str, tuple[nn.Module, dict[str, Any]]] = {
        "generator": (Pix2PixUNet(width=4, depth=5), {"width": 4, "depth": 5}),
        "discriminator": (PatchGAN(width=4), {"width": 4}),
    }
    models["generator"][0](torch.randn(2, 3, 32, 32))  # moves the batch norm's statistics
    save_models(tmp_path / "both.pth", models, half=False)
    loaded = load_models(tmp_path / "both.pth", ("generator", "discriminator"))
    x = torch.randn(1, 3, 40, 40)
    assert torch.equal(loaded["generator"](x), models["generator"][0].eval()(x))
    assert torch.equal(loaded["discriminator"](x, x), models["discriminator"][0].eval()(x, x))


def test_an_interrupted_save_leaves_the_old_file(saved: Path) -> None:
    before = saved.read_bytes()

    class Unpicklable:
        def __reduce__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_whole(saved, {"format": Unpicklable()})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_missing(tmp_path: Path) -> None:
    assert message(tmp_path / "no.pth").startswith("no such weights file; train.py writes it: ")
    assert message(tmp_path).startswith("no such weights file")  # a folder


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_cut_short(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    assert "broken or cut short; copy or download it again" in message(saved) or "no weights file" in message(saved)


@pytest.mark.parametrize(
    "garbage", [b"RIFF....AVI LIST", b"\x00" * 5000, b"<html>404</html>", b"{}", b"\x80\x02].", b"\x80\x02Gshort"]
)
def test_garbage(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "generator.pth"
    path.write_bytes(garbage)
    assert any(part in message(path) for part in ("no weights file", "broken or cut short", "holds a list"))


def test_a_flipped_byte_is_noticed_or_harmless(saved: Path) -> None:
    """Either one line says that the file is broken, or only numbers changed; never another exception."""
    content = bytearray(saved.read_bytes())
    for place in range(0, len(content), len(content) // 60):
        saved.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        with suppress(WeightsError):
            load_models(saved, ("generator", "finder"))


def test_a_plain_state_dict_is_another_programs(tmp_path: Path) -> None:
    path = tmp_path / "epoch_10.pth"
    torch.save(UNetGenerator(**TINY).state_dict(), path)
    text = message(path)
    assert text.startswith("weights of another program: expected a file that train.py wrote, found keys unet.")
    torch.save({"model": {}, 3: 1}, path)
    assert "found keys 3, model" in message(path)


def test_something_that_is_no_dictionary(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    assert message(tmp_path / "tensor.pth").startswith("holds a Tensor, expected the weights that train.py writes: ")


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_the_file_is_never_run(tmp_path: Path, how: str) -> None:
    path, trap = tmp_path / "generator.pth", Trap(tmp_path / "ran")
    if how == "torch":
        torch.save({"format": FORMAT, "generator": trap}, path)
    else:
        path.write_bytes(pickle.dumps({"format": FORMAT, "generator": trap}, protocol=2))
    assert message(path).startswith("not a file of plain weights (it holds code, or is no weights file); not loaded")
    assert not trap.path.exists()
    pickle.loads(pickle.dumps(trap))
    assert trap.path.exists()  # the trap works


def test_the_discriminator_given_for_the_generator(tmp_path: Path) -> None:
    path = tmp_path / "discriminator.pth"
    save_models(path, {"discriminator": (PatchGAN(width=4), {"width": 4})})
    assert message(path) == (
        f"holds discriminator, expected generator; give the file that train.py calls generator.pth: {path}"
    )


def test_a_file_without_the_finder(tmp_path: Path) -> None:
    save_models(tmp_path / "generator.pth", {"generator": made()["generator"]})
    assert message(tmp_path / "generator.pth", ("generator", "finder")).startswith("holds generator, expected finder;")


def changed(path: Path, **entry: Any) -> Path:
    content = load_whole(path)
    content["generator"] |= entry
    save_whole(path, content)
    return path


def test_weights_that_do_not_fit_the_model(saved: Path) -> None:
    weights = load_whole(saved)["generator"]["weights"]
    one = next(iter(weights))
    for wrong in (
        {key: value for key, value in weights.items() if key != one},  # one is missing
        weights | {"more": torch.zeros(1)},
        weights | {one: torch.zeros(3)},
        weights | {one: "text"},
    ):
        assert message(changed(saved, weights=wrong)).startswith(
            "the generator's weights do not fit this version's model ("
        )


def test_entries_that_are_not_ours(saved: Path) -> None:
    fit = "the generator's weights do not fit this version's model ("
    assert message(changed(saved, kwargs={"unknown": 1})).startswith(fit)
    assert message(changed(saved, kwargs={"widths": []})).startswith(fit)
    assert message(changed(saved, kwargs=None)).startswith(fit)
    assert message(changed(saved, **{"class": "Later"})).startswith(fit)
    content = load_whole(saved)
    del content["generator"]["kwargs"]
    save_whole(saved, content)
    assert message(saved).startswith(fit)
    save_whole(saved, content | {"generator": 3})
    assert message(saved).startswith(fit)


def test_a_later_format_is_refused(saved: Path) -> None:
    save_whole(saved, load_whole(saved) | {"format": "restore/9"})
    assert message(saved).startswith("weights of another program")
