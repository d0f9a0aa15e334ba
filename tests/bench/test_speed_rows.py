"""Both sides of each row of the speed table compute the same. The clock is for ``make bench``."""

import pytest
import speed


@pytest.mark.parametrize("row", speed.ROWS, ids=lambda row: row.key)
def test_both_sides_agree(row):
    speed.compare(row, *row.make())


def test_a_difference_in_shape_is_seen():
    import numpy as np

    assert speed.gap((np.ones(2),), (np.ones(3),)) == float("inf")
