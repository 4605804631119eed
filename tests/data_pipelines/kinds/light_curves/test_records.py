"""Our bytes and those of tfds and TensorFlow are the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.kinds.light_curves.records import (
    ARRAYS,
    LIGHT_CURVES,
    encode_light_curve,
    light_curve_features,
)
from data_pipelines.shards import tfrecord
from lcjax.errors import DataError
from tests.data_pipelines.curves import curves


@pytest.mark.parametrize("names", [("a", "b", "c"), ()])
def test_tfds_writes_and_reads_what_we_do(names):
    features = light_curve_features(names, ["period"])
    label = 1 if names else -1
    record = encode_light_curve("é", 5e4 + np.arange(4) / 7, np.arange(4), np.ones(4), "V", label, {"period": np.nan})
    theirs = tfrecord.parse_example(features.serialize_example(record))
    ours = tfrecord.parse_example(LIGHT_CURVES.serialize(record))
    assert theirs.keys() == ours.keys()
    assert np.isnan(theirs.pop("metadata/period")) and np.isnan(ours.pop("metadata/period"))
    assert theirs == ours
    decoded = features.deserialize_example_np(LIGHT_CURVES.serialize(record))
    assert decoded["reference_mjd"] == record["reference_mjd"] and decoded["label"] == label
    for name in ARRAYS:
        assert np.array_equal(decoded[name], record[name])


def test_tensorflow_reads_our_files_and_we_read_theirs(tmp_path):
    import tensorflow as tf

    payloads = [LIGHT_CURVES.serialize(r) for r in curves(5)]
    tfrecord.write_records(tmp_path / "ours", payloads)
    assert list(tf.data.TFRecordDataset(str(tmp_path / "ours")).as_numpy_iterator()) == payloads
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for payload in payloads:
            writer.write(payload)
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
    assert [r.payload for r in tfrecord.read_records(tmp_path / "theirs")] == payloads


VALUES = st.one_of(st.binary(max_size=300), st.integers(-(2**63), 2**63 - 1), st.floats(width=32, allow_nan=False))


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=20), VALUES, max_size=8))
def test_examples_come_back(features):
    assert tfrecord.parse_example(tfrecord.encode_example(features)) == features


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_parsed_but_never_crash(payload):
    try:
        tfrecord.parse_example(payload)
    except ValueError:
        pass


def test_damaged_frames_are_named_by_record(tmp_path):
    path = tmp_path / "x"
    tfrecord.write_records(path, [b"a" * 40, b"b" * 40, b"c" * 40])
    whole = path.read_bytes()
    cuts = {"cut off within its header": whole[:118], "more than the file has left": whole[:-1]}
    huge = bytearray(whole)
    huge[56 + 6] = 255  # a length of 2^55 bytes must not be allocated
    flipped = bytearray(whole)
    flipped[75] ^= 1
    cuts |= {"claims": bytes(huge), "does not match its checksum": bytes(flipped)}
    for message, data in cuts.items():
        path.write_bytes(data)
        with pytest.raises(DataError, match=message) as caught:
            list(tfrecord.read_records(path))
        assert "record 1" in str(caught.value) or "record 2" in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        list(tfrecord.read_records(tmp_path / "missing"))
