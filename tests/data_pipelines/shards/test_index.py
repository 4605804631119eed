"""The index says itself what is in it, joins with others, and refuses records that contradict themselves."""

import numpy as np
import pytest

from data_pipelines.shards.index import as_arrays, build_index, concatenate, empty_index, read_index
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.tfrecord import encode_example, write_records
from lcjax.errors import DataError
from tests.data_pipelines.toy import LAYOUT, record

RECORDS = [record(i) for i in range(13)]


@pytest.fixture
def index(tmp_path):
    write_records(tmp_path / "a", [LAYOUT.serialize(r) for r in RECORDS[:8]])
    write_records(tmp_path / "b", [LAYOUT.serialize(r) for r in RECORDS[8:]])
    built, counts = build_index([tmp_path / "a", tmp_path / "b"], LAYOUT)
    assert counts == [8, 5]
    return built


def test_it_holds_what_the_records_hold(index):
    for name in ("epoch", "redshift", "source_id", "votes", "spectrum_length", "rows"):
        np.testing.assert_array_equal(index[name], np.array([r[name] for r in RECORDS], index[name].dtype))
    assert index.length.tolist() == [r["length"] for r in RECORDS]
    assert index.metadata_names.tolist() == ["period"] and np.isnan(index.metadata[::2]).all()
    np.testing.assert_array_equal(index.metadata[1::2, 0], np.arange(1, 13, 2, dtype=np.float32) / np.float32(3))


def test_it_is_read_without_the_layout(index, tmp_path):
    np.savez(tmp_path / "index.npz", **as_arrays("train", index, LAYOUT), **as_arrays("x", empty_index(LAYOUT), LAYOUT))
    again = read_index(tmp_path / "index.npz", "train")
    assert again.columns.keys() == index.columns.keys()
    for name, column in index.columns.items():
        assert again[name].dtype == column.dtype
        np.testing.assert_array_equal(again[name], column)
    np.testing.assert_array_equal(again.metadata, index.metadata)
    assert len(read_index(tmp_path / "index.npz", "x")) == 0
    again.check(LAYOUT, "here")
    with pytest.raises(DataError, match="no column 'airmass'"):
        again.check(RecordLayout("x", floats=("airmass",)), "here")
    with pytest.raises(DataError, match="cannot be read"):
        read_index(tmp_path / "index.npz", "test")


def test_joined_with_data_that_know_less(index):
    less = index.with_metadata(("airmass",))
    less.columns = {name: column for name, column in index.columns.items() if name != "votes"}
    both = concatenate([index, less])
    assert len(both) == 26 and both.metadata_names.tolist() == ["period", "airmass"]
    assert np.isnan(both["votes"][13:]).all() and both["votes"].dtype == np.float32
    np.testing.assert_array_equal(both["votes"][:13], index["votes"])
    assert both.object_ids().tolist() == 2 * index.object_ids().tolist()
    assert both.band_names[both.band].tolist() == 2 * [r["band"] for r in RECORDS]
    del less.columns["source_id"]
    with pytest.raises(DataError, match="no column 'source_id'"):
        concatenate([index, less])
    index.columns["votes"] = index["votes"][:, :2]
    with pytest.raises(DataError, match="values: give data of one size"):
        concatenate([index, empty_index(LAYOUT)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spectrum_length": 3}, "has .* bytes where 3 points need 12"),
        ({"rows": -1}, "claim the shape"),
        ({"rows": 1 << 16}, "claim the shape"),
        ({"epoch": b"1234"}, "not one float64"),
        ({"votes": b"1234"}, "not a vector of 3"),
        ({"redshift": 1}, "is int64, not float"),
        ({"redshift": None}, "no feature 'redshift'"),
    ],
)
def test_records_that_contradict_themselves(tmp_path, changes, message):
    flat = {name: value for name, value in RECORDS[1].items() if name != "metadata"} | {"epoch": b"12345678"} | changes
    flat = {name: value for name, value in flat.items() if value is not None}
    write_records(tmp_path / "a", [LAYOUT.serialize(RECORDS[0]), encode_example(flat)])
    with pytest.raises(DataError, match=message) as caught:
        build_index([tmp_path / "a"], LAYOUT)
    assert "record 1 of" in str(caught.value)
