import pytest
import torch

from restore.models.denoiser import NO_TEXT, build_denoiser, denoise, hidden_cells


@pytest.mark.parametrize(("channels", "frames", "height", "width"), [(4, 1, 8, 8), (4, 5, 6, 10), (16, 3, 5, 7)])
def test_the_output_has_the_shape_of_the_noisy_latents(channels: int, frames: int, height: int, width: int) -> None:
    model = build_denoiser(latent_channels=channels, widths=(16, 32), frames=8)
    noisy = torch.randn(2, frames, channels, height, width)
    hidden = torch.ones(2, frames, 1, height, width)
    assert model.config.in_channels == 2 * channels + 1
    assert denoise(model, noisy, torch.tensor([3, 900]), hidden, noisy).shape == noisy.shape


def test_every_input_counts_and_frames_see_each_other() -> None:
    torch.manual_seed(0)
    model = build_denoiser(latent_channels=4, widths=(16, 32), frames=8).eval()
    noisy, known = torch.randn(2, 1, 3, 4, 8, 8)
    hidden = torch.zeros(1, 3, 1, 8, 8)
    with torch.no_grad():
        before = denoise(model, noisy, 500, hidden, known)
        for other in (
            denoise(model, noisy + 1, 500, hidden, known),
            denoise(model, noisy, 5, hidden, known),
            denoise(model, noisy, 500, hidden + 1, known),
            denoise(model, noisy, 500, hidden, known + 1),
        ):
            assert not torch.allclose(other, before, atol=1e-4)
        last = noisy.clone()
        last[:, 2] += 1
        assert not torch.allclose(denoise(model, last, 500, hidden, known)[:, 0], before[:, 0], atol=1e-4)


def test_a_text_is_read_where_there_is_one() -> None:
    torch.manual_seed(0)
    model = build_denoiser(latent_channels=4, widths=(16, 32), frames=4).eval()
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
