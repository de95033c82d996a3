"""What a picture looks like on the screen."""

import numpy as np
import pytest

from .conftest import Shown

pytestmark = pytest.mark.browser


def test_the_first_row_is_on_top(shown: Shown) -> None:
    pixels = np.zeros((4, 6), dtype="f4")
    pixels[0, 0], pixels[0, 5], pixels[3, 0] = 3, 2, 1
    shown.show(pixels)
    shades = [round(red / 85) for red, _, _ in shown.colours([(0, 0), (0, 5), (3, 0), (3, 5)])]
    assert shades == [3, 2, 1, 0]
