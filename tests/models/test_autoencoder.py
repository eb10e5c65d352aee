from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from restore.errors import WeightsError
from restore.models.autoencoder import (
    SPREAD,
    build_autoencoder,
    decode,
    downsampling,
    encode,
    normalise,
    raw_latents,
    start_as_principal_components,
)
from restore.models.pretrained import load_autoencoder, save_part
from restore.tensors import to_float
from tests.propagation.footage import pan


def tiny_kl(channels: int = 4) -> AutoencoderKL:
    """Stable Diffusion's kind of autoencoder, as small as it gets."""
    torch.manual_seed(0)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        latent_channels=channels,
        norm_num_groups=4,
        scaling_factor=0.5,
    )


@pytest.mark.parametrize(("cell", "channels"), [(2, 4), (4, 4), (8, 16)])
def test_latents_have_the_cells_and_channels_asked_for(cell: int, channels: int) -> None:
    vae = build_autoencoder(latent_channels=channels, downsampling=cell, width=8)
    clips = torch.rand(2, 3, 3, 16, 24) * 2 - 1
    latents = encode(vae, clips)
    assert downsampling(vae) == cell
    assert latents.shape == (2, 3, channels, 16 // cell, 24 // cell)
    assert decode(vae, latents).shape == clips.shape


def test_a_new_one_can_begin_as_the_best_linear_code() -> None:
    frames = to_float(pan(12, (3, 2), height=48, width=64, seed=2))
    patches = F.pixel_unshuffle(frames, 4).movedim(1, -1).flatten(0, -2).double().numpy()
    centred = patches - patches.mean(0)
    variances = np.linalg.eigvalsh(np.cov(centred.T))
    vae = build_autoencoder(latent_channels=8, downsampling=4, width=24)
    start_as_principal_components(vae, frames)
    with torch.no_grad():
        raw = raw_latents(vae, frames)
        error = (decode(vae, encode(vae, frames)) - frames).square().mean().item()
    # What the components leave out, and the little that the decoder squeezes.
    left_out = variances[:-8].sum() / len(variances)
    assert left_out * 0.98 < error < left_out + 0.05 * variances.sum() / len(variances)
    torch.testing.assert_close(raw.std((0, 2, 3)), torch.full((8,), SPREAD), rtol=0.05, atol=0)
    with pytest.raises(ValueError, match="width is 8, expected at least twice the 8 latent channels"):
        start_as_principal_components(build_autoencoder(latent_channels=8, downsampling=4, width=8), frames)


@pytest.mark.parametrize("kind", ["tiny", "kl"])
def test_normalised_latents_have_unit_variance_and_decode_to_the_same_frames(kind: str) -> None:
    torch.manual_seed(1)
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8) if kind == "tiny" else tiny_kl()
    frames = torch.rand(5, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        before = encode(vae, frames)
        decoded = decode(vae, before)
        normalise(vae, mean=float(before.mean()), std=float(before.std()))
        after = encode(vae, frames)
        assert after.mean().item() == pytest.approx(0, abs=1e-4)
        assert after.std().item() == pytest.approx(1, abs=1e-4)
        torch.testing.assert_close(decode(vae, after), decoded, atol=1e-4, rtol=1e-4)


def test_many_frames_go_through_as_one_by_one() -> None:
    vae = build_autoencoder(latent_channels=4, downsampling=2, width=8)
    frames = torch.rand(35, 3, 8, 8) * 2 - 1
    with torch.no_grad():
        latents = encode(vae, frames)
        torch.testing.assert_close(latents, torch.stack([encode(vae, frame) for frame in frames]))
        torch.testing.assert_close(decode(vae, latents)[20], decode(vae, latents[20]))


@pytest.mark.parametrize("kind", ["tiny", "kl"])
def test_one_in_diffusers_own_layout_is_loaded_as_it_was(kind: str, tmp_path: Path) -> None:
    vae = build_autoencoder(latent_channels=4, downsampling=2, width=8) if kind == "tiny" else tiny_kl()
    vae.half().float()  # what fp16 preserves
    normalise(vae, mean=0.25, std=2.0)
    vae.save_pretrained(tmp_path / "theirs")
    save_part(vae, tmp_path / "ours")
    frames = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        for folder in ("theirs", "ours"):
            loaded = load_autoencoder(tmp_path / folder)
            assert type(loaded) is type(vae) and not loaded.training
            torch.testing.assert_close(encode(loaded, frames), encode(vae.eval(), frames))
    names = sorted(path.name for path in (tmp_path / "ours").iterdir())
    assert names == ["config.json", "diffusion_pytorch_model.safetensors"]


def test_saving_again_replaces_the_whole_folder(tmp_path: Path) -> None:
    save_part(build_autoencoder(latent_channels=4, downsampling=2, width=8), tmp_path / "vae")
    (tmp_path / "vae" / "of-the-first").touch()
    save_part(build_autoencoder(latent_channels=8, downsampling=2, width=8), tmp_path / "vae")
    assert load_autoencoder(tmp_path / "vae").config.latent_channels == 8
    assert [path.name for path in tmp_path.iterdir()] == ["vae"]
    assert not (tmp_path / "vae" / "of-the-first").exists()


def test_what_is_no_autoencoder_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vae = build_autoencoder(latent_channels=4, downsampling=2, width=8)
    (tmp_path / "empty").mkdir()
    save_part(vae, tmp_path / "cut")
    weights = tmp_path / "cut" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    save_part(vae, tmp_path / "bare")
    (tmp_path / "bare" / "diffusion_pytorch_model.safetensors").unlink()
    for name in ("empty", "cut", "bare"):
        with pytest.raises(WeightsError, match="the autoencoder is incomplete or broken") as error:
            load_autoencoder(tmp_path / name)
        assert "\n" not in str(error.value) and str(error.value).endswith(str(tmp_path / name))
    with pytest.raises(WeightsError, match="no such folder, and not a hub id"):
        load_autoencoder(tmp_path / "missing")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # what no network comes to
    with pytest.raises(WeightsError, match="cannot be downloaded") as error:
        load_autoencoder("nobody/nothing")
    assert "\n" not in str(error.value) and str(error.value).endswith("nobody/nothing")
