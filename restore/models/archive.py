"""What a file of weights may hold before it is loaded: a zip archive as `torch.save` writes it, whole, not compressed.

PyTorch allocates what an archive states, inflates what is compressed in it, and does not compare checksums.
"""

import zipfile
from pathlib import Path
from typing import Any

import torch

from restore.errors import WeightsError

LONGEST_NUMBER = 4096  # of a model's keyword arguments: channels, layers
MOST_NUMBERS = 64  # in a list of them


def check_archive(path: Path) -> None:
    """Read through the archive, a piece at a time.

    Raises:
        WeightsError: it is none, cut short or damaged, or states more than it has.
    """
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise WeightsError(
                    f"not a file of plain weights (it holds code, or is no weights file); not loaded: {path}"
                )
            size = file.seek(0, 2)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            stated = sum(member.file_size for member in members)
            if stated > size or any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise WeightsError(
                    f"states {stated} bytes of weights and has {size}, expected what torch.save writes, "
                    f"which is not compressed; not loaded: {path}"
                )
            damaged = archive.testzip()
    except WeightsError:
        raise
    except Exception as error:  # zipfile fails in a dozen ways on bytes that are none of its own
        raise WeightsError(f"the weights file is broken or cut short; copy or download it again: {path}") from error
    if damaged:
        raise WeightsError(f"the weights file is damaged (in {damaged}); copy or download it again: {path}")


def check_entry(entry: dict[str, Any], size: int) -> None:
    """Look at what a model is to be built from.

    Args:
        size: of the file, bytes.

    Raises:
        ValueError: a keyword argument is out of any range, or a tensor has more numbers than the file has room for.
    """
    for name, value in entry["kwargs"].items():
        numbers = value if isinstance(value, list | tuple) else [value]
        if len(numbers) > MOST_NUMBERS or not all(isinstance(one, int | float | str | None) for one in numbers):
            raise ValueError(f"{name} is no number, text or short list of them")
        if any(isinstance(one, int | float) and not abs(one) <= LONGEST_NUMBER for one in numbers):
            raise ValueError(f"{name} has a number above {LONGEST_NUMBER}")
    weights = entry["weights"].values()
    if not all(isinstance(value, torch.Tensor) for value in weights):
        raise ValueError("weights are tensors")
    stated = sum(value.numel() * value.element_size() for value in weights)
    if stated > size:
        raise ValueError(f"its tensors state {stated} bytes, and the file has {size}")


def refuse_other_shapes(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Compare the model, which may be without memory (on the device `meta`), with what is to be loaded into it.

    Raises:
        ValueError: a tensor is missing, of another shape, or one too many.
    """
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    got = {name: tuple(value.shape) for name, value in weights.items()}
    for name in dict.fromkeys([*expected, *got]):
        if expected.get(name) != got.get(name):
            raise ValueError(f"{name} is {got.get(name)}, expected {expected.get(name)}")
