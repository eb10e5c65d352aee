import pytest
import torch
from torch import Tensor

from restore.refinement.windows import denoise_in_windows, window_slices

GRIDS = [(frames, length, shifted) for frames in range(1, 24) for length in (1, 2, 5, 8) for shifted in (False, True)]


def indices(window: slice) -> set[int]:
    return set(range(window.start, window.stop))


def test_full_windows_cover_each_frame() -> None:
    for frames, length, shifted in GRIDS:
        windows = window_slices(frames, length=length, shifted=shifted)
        assert all(len(indices(window)) == min(length, frames) for window in windows)
        assert set().union(*map(indices, windows)) == set(range(frames))
        assert len({window.start for window in windows}) == len(windows)


def test_weights_sum_to_one() -> None:
    for frames, length, shifted in GRIDS:
        ramp = torch.linspace(-1, 1, frames).view(1, -1, 1, 1, 1).expand(2, -1, 2, 1, 3)
        same = denoise_in_windows(lambda windows: windows, ramp, length=length, shifted=shifted)
        torch.testing.assert_close(same, ramp, rtol=0, atol=1e-6)


def test_fewer_frames_than_a_window_are_one_window() -> None:
    for shifted in (False, True):
        for frames in (1, 3, 8):
            assert window_slices(frames, length=8, shifted=shifted) == [slice(0, frames)]


def test_the_shifted_grid_has_its_seams_amid_the_windows_of_the_other() -> None:
    straight, shifted = (window_slices(64, length=8, shifted=shifted) for shifted in (False, True))
    inner = {window.start for window in shifted} - {0, 56}
    assert inner and inner.isdisjoint(window.start for window in straight)
    assert inner == {window.start + 4 for window in straight[:-1]}


def test_the_conditions_are_cut_as_the_noisy_latents_are() -> None:
    noisy = torch.rand(3, 11, 4, 2, 2, generator=torch.Generator().manual_seed(0))

    def checked(windows: Tensor, negated: Tensor, planes: Tensor) -> Tensor:
        assert windows.shape == (9, 5, 4, 2, 2) and planes.shape == (9, 5, 1, 2, 2)  # 3 windows of 3 clips
        assert torch.equal(negated, -windows) and torch.equal(planes, windows[:, :, :1])
        return windows

    for shifted, windows in ((False, 3), (True, 3)):
        assert len(window_slices(11, length=5, shifted=shifted)) == windows
        denoise_in_windows(checked, noisy, -noisy, noisy[:, :, :1], length=5, shifted=shifted)


def test_a_window_holds_consecutive_frames_of_one_clip() -> None:
    clips = torch.arange(22.0).view(2, 11, 1, 1, 1)  # the second goes on where the first ends

    def checked(windows: Tensor) -> Tensor:
        assert (windows.diff(dim=1) == 1).all()
        assert all(len({frame // 11 for frame in window.flatten().tolist()}) == 1 for window in windows)
        return windows

    denoise_in_windows(checked, clips, length=4, shifted=True)


def test_overlaps_are_averaged_towards_the_window_with_the_nearer_middle() -> None:
    noisy = torch.zeros(1, 6, 1, 1, 1)  # windows 0-3 and 2-5, weights 1 2 2 1

    def numbered(windows: Tensor) -> Tensor:
        return windows + torch.tensor([0.0, 2.0]).view(2, 1, 1, 1, 1)

    blended = denoise_in_windows(numbered, noisy, length=4, shifted=False)
    torch.testing.assert_close(blended.flatten(), torch.tensor([0, 0, 2 / 3, 4 / 3, 2, 2]))


def test_half_precision_is_averaged_in_float32_and_rounded_once() -> None:
    noisy = torch.randn(1, 11, 4, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    same = denoise_in_windows(lambda windows: windows, noisy, length=4, shifted=True)
    assert same.dtype == torch.bfloat16 and torch.equal(same, noisy)


def test_arguments_out_of_range() -> None:
    for frames, length in ((0, 4), (4, 0)):
        with pytest.raises(ValueError, match=f"at least 1 frame and windows of at least 1, got {frames}, {length}"):
            window_slices(frames, length=length, shifted=False)
