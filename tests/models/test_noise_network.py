import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restore.models.noise_network import NoiseNetwork, read, sharp, unit
from tests.propagation.footage import texture

HEIGHT, WIDTH = 75, 94
NAMES = "smoothed", "averaged", "frame", "hidden"


def random_network(**settings: list[int]) -> NoiseNetwork:
    """A small one whose last layer is not zero."""
    torch.manual_seed(0)
    network = NoiseNetwork(**({"widths": [8, 8], "blocks": [1, 1]} | settings))
    nn.init.normal_(network.unet.tail.weight, std=0.3)
    return network.eval()


def pictures(seed: int = 0) -> dict[str, np.ndarray]:
    """What the network is given of one frame."""
    rng = np.random.default_rng(seed)
    scene = texture(HEIGHT, WIDTH, scale=6)
    noisy = [(scene + rng.normal(0, sigma, scene.shape)).clip(0, 255).round().astype(np.uint8) for sigma in (1, 2, 9)]
    return dict(zip(NAMES, [*noisy, rng.random((HEIGHT, WIDTH)) < 0.2], strict=True))


def test_an_untrained_one_changes_nothing() -> None:
    given = pictures()
    assert np.array_equal(NoiseNetwork().eval().filtered(**given, noise=5.0), given["smoothed"])


def test_all_that_it_is_told_counts() -> None:
    network, given = random_network(), pictures()
    usual = network.filtered(**given, noise=5.0)
    assert not np.array_equal(network.filtered(**given, noise=15.0), usual)
    for name, other in pictures(1).items():
        assert not np.array_equal(network.filtered(**given | {name: other}, noise=5.0), usual), name


@pytest.mark.parametrize("rows", [16, 48, 4096])
def test_strips_give_what_the_whole_gives(rows: int) -> None:
    network, given = random_network(widths=[8, 8, 8], blocks=[1, 1, 1]), pictures()
    whole = network.filtered(**given, noise=5.0)
    assert np.abs(network.filtered(**given, noise=5.0, rows=rows).astype(int) - whole).max() <= 1
    assert (whole != given["smoothed"]).mean() > 0.3


def test_strips_are_all_that_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_rows: list[int] = []

    def counted(*pictures: Tensor) -> Tensor:
        read_rows.append(pictures[0].shape[2])
        return read(*pictures)

    monkeypatch.setattr("restore.models.noise_network.read", counted)
    random_network().filtered(**pictures(), noise=5.0, rows=16)
    assert max(read_rows) < HEIGHT


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def sharpened(share: float) -> dict[str, np.ndarray]:
    """A blurred scene with noise, of which a share of the blur is undone."""
    scene = texture(HEIGHT, WIDTH, scale=3)
    soft = blurred(scene, 1.4)
    frame = (soft + np.random.default_rng(0).normal(0, 6, soft.shape)).clip(0, 255).round().astype(np.uint8)
    smoothed = cv2.addWeighted(scene, share, soft, 1 - share, 0)
    return dict(zip(NAMES, [smoothed, smoothed, frame, np.zeros((HEIGHT, WIDTH), bool)], strict=True))


def test_where_a_blurred_scene_was_sharpened_nothing_is_added() -> None:
    network = random_network()
    shares = []
    for undone in (0.0, 0.15, 1.0):
        given = sharpened(undone)
        share = sharp(given["smoothed"], given["frame"], given["hidden"])
        shares.append(share)
        whole = network._whole([given[name] for name in NAMES[:3]] + [np.zeros((HEIGHT, WIDTH, 1), np.uint8)], 5.0)
        expected = given["smoothed"] + share * (whole.astype(float) - given["smoothed"])
        for rows in (None, 16):
            assert np.abs(network.filtered(**given, noise=5.0, rows=rows) - expected).max() <= 1.5
    assert shares[0] == 1 > shares[1] > shares[2] == 0


def test_what_is_hidden_does_not_count_for_it_and_parts_are_measured_as_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = sharpened(0.15)
    hidden = given["hidden"].copy()
    hidden[20:40, 30:60] = True
    share = sharp(given["smoothed"], given["frame"], hidden)
    covered = np.where(hidden[..., None], np.uint8(0), given["frame"])
    assert sharp(given["smoothed"], covered, hidden) == share
    assert sharp(given["smoothed"], covered, given["hidden"]) != share
    monkeypatch.setattr("restore.models.noise_network.ROWS", 16)
    assert 0 < share < 1 and sharp(given["smoothed"], given["frame"], hidden) == pytest.approx(share, abs=1e-4)
    assert sharp(*np.zeros((2, 8, 8, 3), np.uint8), np.ones((8, 8), bool)) == 1


@pytest.mark.parametrize("scale", [2.0, 3.0])
def test_differences_and_what_is_added_are_in_units_of_the_noise(scale: float) -> None:
    """As much stronger as the noise is, as much more is added, where nothing else tells how strong it is."""
    network = random_network()
    network.unet.head.weight.data[:, [0, 1, 2, 10]] = 0  # the picture, and the noise level
    generator = torch.Generator().manual_seed(0)
    weak = 0.01 * torch.randn(1, 3, 32, 48, generator=generator)
    nothing, hidden = torch.zeros(1, 3, 32, 48), torch.zeros(1, 1, 32, 48)
    noise = torch.tensor([2.0])
    with torch.no_grad():
        once = network(nothing, weak, 2 * weak, hidden, noise)
        more = network(nothing, scale * weak, scale * 2 * weak, hidden, scale * noise)
    assert once.abs().max() > 1e-3
    torch.testing.assert_close(more, scale * once)


def test_what_differs_by_more_than_noise_is_bounded_and_faint_noise_is_a_unit_of_its_own() -> None:
    zero, hidden = torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2)
    channels = read(zero, zero - 1, zero + 0.5, hidden, torch.tensor([3.0]))
    assert channels[:, 3:6].eq(-2).all() and channels[:, 6:9].eq(2).all()
    assert unit(torch.tensor([0.0])) == unit(torch.tensor([0.7])) < unit(torch.tensor([0.9]))
