"""What a source finds when it opens datasets: indexes joined, labels of a model, damaged shards, readers."""

import importlib.util
import warnings

import numpy as np
import pytest

from data_pipelines.shards import opening
from data_pipelines.shards.opening import (
    choose_reader,
    has_split,
    merged_labels,
    open_manifests,
    open_shards,
    read_indexes,
)
from lcjax.errors import DataError
from tests.data_pipelines.kinds.alerts.test_source import write as write_alerts
from tests.data_pipelines.toy import LAYOUT, write


@pytest.fixture
def two(tmp_path):
    """The manifests of two datasets whose classes are in another order."""
    write(tmp_path / "one", 20, 2, ("EA", "RRab"))
    write(tmp_path / "two", 14, 2, ("RRab", "EW"), seed=1)
    return open_manifests([tmp_path], LAYOUT)


def test_datasets_below_a_folder_are_found_and_other_kinds_refused(two, tmp_path):
    assert [m.folder.name for m in two] == ["one", "two"]
    write_alerts(tmp_path / "alerts", 4, 2)
    with pytest.raises(DataError, match="alerts' holds stamps, not spectral stars: give data that this model reads"):
        open_manifests([tmp_path], LAYOUT)


def test_one_index_of_all_with_the_columns_asked_for(two):
    index = read_indexes(two, "train", LAYOUT, None)
    assert len(index) == 34 and index.metadata_names.tolist() == ["period"]
    both = read_indexes(two, "train", LAYOUT, ["period"])
    np.testing.assert_array_equal(both.metadata[[0, 1, 21], 0], np.array([np.nan, 1 / 3, 1 / 3], np.float32))
    assert read_indexes(two, "train", LAYOUT, []).metadata.shape == (34, 0)
    with pytest.raises(DataError, match=r"no record of .*one, .*two has the metadata 'fwhm'"):
        read_indexes(two, "train", LAYOUT, ["period", "fwhm"])
    empty = read_indexes(two, "test", LAYOUT, ["fwhm"])
    assert len(empty) == 0 and empty.metadata.shape == (0, 1)


def test_labels_in_terms_of_other_classes(two):
    index = read_indexes(two, "train", LAYOUT, None)
    labels = merged_labels(two, "train", index, ("EW", "EA"))
    assert labels.dtype == np.int32
    own = np.array([i % 3 - 1 for i in (*range(20), *range(14))])
    of_one, of_two = {0: 1, 1: -1, -1: -1}, {0: -1, 1: 0, -1: -1}
    assert labels.tolist() == [of_one[k] for k in own[:20]] + [of_two[k] for k in own[20:]]


def test_a_label_beyond_the_classes_counts_as_none(two):
    index = read_indexes(two, "train", LAYOUT, None)
    index.label[:] = 7
    assert set(merged_labels(two, "train", index, ("EA", "RRab", "EW")).tolist()) == {-1}


def test_damaged_shards_are_named_or_left_out_with_their_records(two):
    index = read_indexes(two, "train", LAYOUT, None)
    shards, left_out = open_shards(two, "train", index, "raise")
    assert [s.first for s in shards] == [0, 10, 20, 27] and left_out == 0
    assert all(np.array_equal(s.lengths, index.length[s.first : s.first + s.shard.records]) for s in shards)
    broken = shards[2].shard.path
    broken.write_bytes(broken.read_bytes()[:-1])
    with pytest.raises(DataError, match="restore the file or prepare the data again"):
        open_shards(two, "train", index, "raise")
    with pytest.warns(UserWarning, match="left out 7 records"):
        kept, left_out = open_shards(two, "train", index, "skip_shard")
    assert left_out == 7 and [s.first for s in kept] == [0, 10, 27]
    with pytest.raises(DataError, match="on_corrupt is 'raise' or 'skip_shard', not 'ignore'"):
        open_shards(two, "train", index, "ignore")


def test_a_changed_byte_is_found_only_where_files_are_read_first(two):
    index = read_indexes(two, "train", LAYOUT, None)
    path = two[0].split("train")[0].path
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_shards(two, "train", index, "raise")
    with pytest.warns(UserWarning, match="left out 10 records"):
        assert open_shards(two, "train", index, "skip_shard")[1] == 10


def test_readers(monkeypatch):
    there = importlib.util.find_spec("tensorflow") is not None
    assert choose_reader("plain") == "plain" and choose_reader("auto") == ("tf.data" if there else "plain")
    with pytest.raises(DataError, match=r"no reader 'tf': use auto, tf\.data or plain"):
        choose_reader("tf")
    monkeypatch.setattr(opening.importlib.util, "find_spec", lambda name: None)
    assert choose_reader("auto") == "plain"
    with pytest.raises(DataError, match="needs TensorFlow"):
        choose_reader("tf.data")


def test_whether_any_dataset_has_a_split(two, tmp_path):
    assert has_split([tmp_path], "train") and not has_split([tmp_path], "test")
