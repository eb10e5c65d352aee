from itertools import combinations

import cv2
import numpy as np
import pytest

from restore.inference.overlay import COLOURS, overlay
from restore.propagation.provenance import ENLARGED, NAMES, SEEN
from tests.propagation.footage import texture

# What is left of linear RGB, Machado et al. (2009), severity 1.
VISIONS: dict[str, list[list[float]]] = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def test_what_was_seen_stays_and_all_else_is_tinted_with_its_own_colour() -> None:
    image, codes = texture(40, 40), np.zeros((40, 40), np.uint8)
    for code in COLOURS:
        codes[10 * code - 8 : 10 * code, 5:30] = code
    before = image.copy()
    drawn = overlay(image, codes)
    assert drawn.dtype == np.uint8 and np.array_equal(image, before)
    assert np.array_equal(drawn[codes == SEEN], image[codes == SEEN])
    for code, colour in COLOURS.items():
        tinted, plain = (x[codes == code].astype(int) for x in (drawn, image))
        assert (np.abs(tinted - colour) <= np.abs(plain - colour)).all() and (tinted != plain).any(-1).all()
        inside = slice(10 * code - 7, 10 * code - 1), slice(6, 29)
        assert drawn[inside].std() > image[inside].std() / 4  # the picture is still to be read


def test_every_code_but_what_was_seen_has_a_colour() -> None:
    assert set(COLOURS) == set(range(len(NAMES))) - {SEEN, ENLARGED}


def test_a_single_pixel_shows() -> None:
    codes = np.zeros((5, 5), np.uint8)
    codes[2, 2] = 1
    assert tuple(overlay(np.zeros((5, 5, 3), np.uint8), codes)[2, 2]) == COLOURS[1]


@pytest.mark.parametrize("vision", VISIONS)
def test_whoever_looks_can_tell_the_colours_apart(vision: str) -> None:
    srgb = np.array(list(COLOURS.values())) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    perceived = np.clip(linear @ np.transpose(VISIONS[vision]), 0, 1).astype(np.float32)
    lab = cv2.cvtColor(perceived[None], cv2.COLOR_LRGB2Lab)[0]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(lab, 2)) > 40
