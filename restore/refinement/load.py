"""A refiner from disk: the folder that training writes (`saved_models/refiner`), or Stable Diffusion inpainting's with
a motion adapter (AnimateDiff, Guo et al. 2024).
"""

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DiffusionPipeline, MotionAdapter, UNet2DConditionModel, UNetMotionModel
from diffusers.utils import is_transformers_available

from restore.errors import WeightsError
from restore.models.pretrained import from_pretrained
from restore.refinement.refiner import RefinerPipeline
from restore.shipped import WEIGHTS

REFINER = WEIGHTS / "refiner"


def load_refiner(
    folder: str | Path = REFINER, *, motion_adapter: str | Path | None = None, dtype: torch.dtype = torch.float32
) -> RefinerPipeline:
    """A refiner from its folder or hub id, on the CPU.

    Args:
        folder: what `train.py --stage refiner` writes; or Stable Diffusion inpainting's, with a `motion_adapter`.
        motion_adapter: AnimateDiff's, folder or hub id.
        dtype: what it computes in.

    Raises:
        WeightsError: a part is missing, broken or does not fit the others, or cannot be downloaded; or the model reads
            text, and transformers is not installed.
    """
    if Path(folder) == REFINER and not REFINER.exists():
        raise WeightsError(f"no such refiner; copy it from the project again, or train it (--stage refiner): {REFINER}")
    if motion_adapter is None:
        _check_parts(Path(folder), "unet", "vae", "scheduler")
        _check_text_encoder(folder, what="refiner")
        return _fitting(
            folder, lambda: from_pretrained(RefinerPipeline.from_pretrained, folder, what="refiner", dtype=dtype)
        )
    _check_text_encoder(folder, what="inpainting model")
    parts = from_pretrained(DiffusionPipeline.from_pretrained, folder, what="inpainting model", dtype=dtype).components
    if not isinstance(parts.get("unet"), UNet2DConditionModel):
        raise WeightsError(f"with a motion adapter, expected Stable Diffusion inpainting's folder or hub id: {folder}")
    adapter = from_pretrained(MotionAdapter.from_pretrained, motion_adapter, what="motion adapter", dtype=dtype)
    return _fitting(
        folder,
        lambda: RefinerPipeline(
            vae=parts["vae"],
            unet=UNetMotionModel.from_unet2d(parts["unet"], adapter),
            scheduler=DDIMScheduler.from_config(parts["scheduler"].config, clip_sample=False),
            text_encoder=parts["text_encoder"],
            tokenizer=parts["tokenizer"],
            conditioning="masked",
        ),
    )


def _check_parts(folder: Path, *names: str) -> None:
    for name in names:
        if folder.is_dir() and not (folder / name).is_dir():
            raise WeightsError(f"the refiner has no {name}; copy the folder again, or train it: {folder}")


def _check_text_encoder(folder: str | Path, *, what: str) -> None:
    """transformers is an extra: without it diffusers fails on a text encoder, in several ways, none of them clear."""
    if is_transformers_available():
        return
    parts = from_pretrained(DiffusionPipeline.load_config, folder, what=what)
    if (parts.get("text_encoder") or [None])[0] is not None:
        raise WeightsError(
            f"the {what} reads text, and transformers is not installed; "
            f"install it with pip install -r requirements-prompt.txt: {folder}"
        )


def _fitting(folder: str | Path, build: Callable[[], RefinerPipeline]) -> RefinerPipeline:
    try:
        return build()
    except ValueError as error:
        raise WeightsError(f"{' '.join(str(error).split())}: {folder}") from error
