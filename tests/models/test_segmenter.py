import pytest
import torch

from restore.models.segmenter import CHANNELS, Segmenter, surroundings


def test_each_frame_stands_between_its_neighbours() -> None:
    clip = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(1, 4, 3, 2, 2)
    stacks = surroundings(clip)
    assert stacks.shape == (1, 4, CHANNELS, 2, 2)
    assert stacks[0, :, 0:9:3, 0, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]
    assert torch.equal(surroundings(clip, [1, 3]), stacks[:, [1, 3]])


def test_what_does_not_change_has_no_deviation() -> None:
    torch.manual_seed(0)
    clip = torch.rand(2, 5, 3, 8, 8)
    clip[..., :4] = clip[:, :1, :, :, :4]
    stacks = surroundings(clip)
    assert stacks[..., 12:15, :, :4].abs().max() < 1e-6 < stacks[:, :, 12:15, :, 4:].min()
    torch.testing.assert_close(stacks[:, 0, 9:12], clip.mean(1))


@pytest.mark.parametrize("size", [(8, 8), (17, 30), (64, 40)])
def test_any_size(size: tuple[int, int]) -> None:
    model = Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    assert model(torch.zeros(2, CHANNELS, *size)).shape == (2, 8, *size)
