"""Series that are read whole: one width a source, sizes within it, masks that say what is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.shards.groups import WholeGroup, one_shape
from data_pipelines.shards.layout import Group
from lcjax.errors import DataError

SPECTRUM = Group("spectrum", ("spectrum_length",), ("flux",))
PICTURE = Group("picture", ("rows", "columns"), ("picture",))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.integers(1, 30))
def test_masks_are_as_long_as_what_is_read(counts, width):
    whole = WholeGroup(SPECTRUM, np.array(counts), (width,))
    record = np.array([*range(len(counts)), -1])
    entries = whole.entries(record)
    expected = [*(min(count, width) for count in counts), 0]
    assert entries["spectrum_length"].tolist() == expected and entries["spectrum_length"].dtype == np.int32
    for row, size in zip(entries["spectrum_mask"], expected, strict=True):
        assert row.tolist() == [True] * size + [False] * (width - size)


def test_arrays_are_there_or_not():
    whole = WholeGroup(PICTURE, np.array([6, 0]), (2, 3))
    assert whole.width == 6
    assert {k: v.tolist() for k, v in whole.entries(np.array([0, 1, -1])).items()} == {
        "picture_mask": [True, False, False]
    }


def test_one_shape():
    assert one_shape(np.array([[2, 3], [2, 3]]), PICTURE, "it", "mend it") == (2, 3)
    assert one_shape(np.zeros((0, 2), np.int64), PICTURE, "it", "mend it") == (1, 1)
    with pytest.raises(DataError, match=r"it has picture of several shapes \(2x3, 3x2\): mend it"):
        one_shape(np.array([[2, 3], [3, 2]]), PICTURE, "it", "mend it")
