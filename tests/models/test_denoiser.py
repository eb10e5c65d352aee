import pytest
import torch
from diffusers import UNetMotionModel

from restore.models.denoiser import NO_TEXT, build_denoiser, denoise, hidden_cells
from restore.models.noise_schedule import signal_shares
from restore.models.video_unet import VideoUNet
from restore.refinement.sampler import predicted_clean


@pytest.mark.parametrize(("channels", "frames", "height", "width"), [(4, 1, 8, 8), (4, 5, 6, 10), (16, 3, 4, 6)])
def test_the_output_has_the_shape_of_the_noisy_latents(channels: int, frames: int, height: int, width: int) -> None:
    model = build_denoiser(latent_channels=channels, widths=(16, 32), frames=8)
    noisy = torch.randn(2, frames, channels, height, width)
    hidden = torch.ones(2, frames, 1, height, width)
    assert model.config.in_channels == 3 * channels + 1
    known = torch.cat([noisy, noisy], 2)
    assert denoise(model, noisy, torch.tensor([3, 900]), hidden, known).shape == noisy.shape


def test_every_input_counts_and_frames_see_each_other() -> None:
    torch.manual_seed(0)
    model = awake(build_denoiser(latent_channels=4, widths=(16, 32), frames=8))
    noisy, known = torch.randn(1, 3, 4, 8, 8), torch.randn(1, 3, 8, 8, 8)
    hidden = torch.zeros(1, 3, 1, 8, 8)
    hidden[..., 2:6, 2:6] = 1
    with torch.no_grad():
        before = denoise(model, noisy, 500, hidden, known)
        for other in (
            denoise(model, noisy + 1, 500, hidden, known),
            denoise(model, noisy, 5, hidden, known),
            denoise(model, noisy, 500, 1 - hidden, known),
            denoise(model, noisy, 500, hidden, torch.cat([known[:, :, :4] + 1, known[:, :, 4:]], 2)),
            denoise(model, noisy, 500, hidden, torch.cat([known[:, :, :4], known[:, :, 4:] + 1], 2)),
        ):
            assert not torch.allclose(other, before, atol=1e-4)
        last = noisy.clone()
        last[:, 2] += 1
        assert not torch.allclose(denoise(model, last, 500, hidden, known)[:, 0], before[:, 0], atol=1e-4)


def test_only_hidden_cells_have_the_noise_of_the_timestep() -> None:
    torch.manual_seed(0)
    model = awake(build_denoiser(latent_channels=4, widths=(16, 32), frames=8))
    noisy, known = torch.randn(1, 3, 4, 8, 8), torch.randn(1, 3, 8, 8, 8)
    with torch.no_grad():
        clean, much = (denoise(model, noisy, level, torch.zeros(1, 3, 1, 8, 8), known) for level in (0, 900))
        torch.testing.assert_close(clean, much)
        clean, much = (denoise(model, noisy, level, torch.ones(1, 3, 1, 8, 8), known) for level in (0, 900))
    assert not torch.allclose(clean, much, atol=1e-3)


def test_frames_see_each_other_over_the_whole_window() -> None:
    torch.manual_seed(0)
    model = awake(build_denoiser(latent_channels=4, widths=(16, 32), frames=16))
    noisy, known = torch.randn(1, 16, 4, 8, 8), torch.randn(1, 16, 8, 8, 8)
    hidden, last = torch.ones(1, 16, 1, 8, 8), noisy.clone()
    last[:, 15] += 1
    with torch.no_grad():
        before, after = (denoise(model, x, 500, hidden, known)[:, 0] for x in (noisy, last))
    assert not torch.allclose(before, after, atol=1e-5)


def test_a_new_denoiser_treats_frames_by_themselves() -> None:
    torch.manual_seed(0)
    model = build_denoiser(latent_channels=4, widths=(16, 32), frames=8).eval()
    noisy, known, hidden = torch.randn(1, 3, 4, 8, 8), torch.randn(1, 3, 8, 8, 8), torch.ones(1, 3, 1, 8, 8)
    with torch.no_grad():
        clip = denoise(model, noisy, 500, hidden, known)
        alone = denoise(model, noisy[:, 1:2], 500, hidden[:, 1:2], known[:, 1:2])
    torch.testing.assert_close(clip[:, 1:2], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("timestep", [0, 500, 999])
def test_a_new_denoiser_predicts_what_a_draft_tells(timestep: int) -> None:
    """The mean of the clean latents, given a normal distribution around the draft and the noisy ones."""
    torch.manual_seed(0)
    model = build_denoiser(latent_channels=4, widths=(16, 32), frames=8).eval()
    draft, masked = torch.randn(2, 1, 3, 4, 32, 32)
    clean = draft + model.config.draft_error * torch.randn_like(draft)
    signal = float(signal_shares()[timestep])
    noisy = signal**0.5 * clean + (1 - signal) ** 0.5 * torch.randn_like(clean)
    with torch.no_grad():
        velocity = denoise(model, noisy, timestep, torch.ones(1, 3, 1, 32, 32), torch.cat([masked, draft], 2))
    error = predicted_clean(velocity, noisy, signal, "v_prediction") - clean
    variance = 1 / (1 / model.config.draft_error**2 + signal / (1 - signal))
    assert error.square().mean().item() == pytest.approx(variance, rel=0.05)


def awake(model: VideoUNet) -> VideoUNet:
    """With layers that a new model begins at zero drawn instead."""
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def reading() -> UNetMotionModel:
    """A denoiser that reads text."""
    return UNetMotionModel(
        in_channels=9,
        out_channels=4,
        down_block_types=("DownBlockMotion", "CrossAttnDownBlockMotion"),
        up_block_types=("CrossAttnUpBlockMotion", "UpBlockMotion"),
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=16,
        cross_attention_dim=NO_TEXT,
        num_attention_heads=4,
        motion_num_attention_heads=4,
        motion_max_seq_length=4,
    )


def test_a_text_is_read_where_there_is_one() -> None:
    torch.manual_seed(0)
    model = reading().eval()
    noisy, hidden = torch.randn(1, 2, 4, 8, 8), torch.ones(1, 2, 1, 8, 8)
    with torch.no_grad():
        without = denoise(model, noisy, 10, hidden, noisy)
        silent = denoise(model, noisy, 10, hidden, noisy, torch.zeros(1, 1, NO_TEXT))
        prompted = denoise(model, noisy, 10, hidden, noisy, torch.randn(1, 3, NO_TEXT))
    torch.testing.assert_close(silent, without)
    assert not torch.allclose(prompted, without, atol=1e-5)


def test_a_cell_with_one_hidden_pixel_is_hidden() -> None:
    mask = torch.zeros(2, 3, 1, 16, 24)
    mask[1, 2, 0, 8, 23] = 1
    cells = hidden_cells(mask, 8)
    assert cells.shape == (2, 3, 1, 2, 3)
    assert cells.nonzero().tolist() == [[1, 2, 0, 1, 2]]
