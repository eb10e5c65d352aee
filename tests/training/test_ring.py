import torch

from restore.training.ring import Ring

CPU = torch.device("cpu")


def test_items_stay_together_and_the_oldest_make_room() -> None:
    ring = Ring(5, CPU)
    for first in (0, 3, 6):
        numbers = torch.arange(first, first + 3)
        ring.add([numbers, 10 * numbers])
    one, ten = ring.draw(9, generator=torch.Generator().manual_seed(0))
    assert sorted(one.tolist()) == [4, 5, 6, 7, 8] and torch.equal(10 * one, ten)


def test_each_draw_is_another_and_the_seed_decides() -> None:
    ring = Ring(20, CPU)
    ring.add([torch.arange(20)])
    draws = [ring.draw(6, generator=torch.Generator().manual_seed(seed))[0].tolist() for seed in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1] and len(set(draws[0])) == 6
