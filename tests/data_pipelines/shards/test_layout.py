"""A layout says a record once: what is encoded comes back, from our bytes and from those of tfds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.shards.layout import RecordLayout, flattened
from data_pipelines.shards.tfrecord import parse_example
from lcjax.errors import DataError
from tests.data_pipelines.toy import LAYOUT, record

NUMBERS = st.floats(width=32, allow_nan=False)


def same(one, two):
    assert one.keys() == two.keys()
    for name in one:
        if isinstance(one[name], dict):
            same(one[name], two[name])
        else:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@st.composite
def records(draw):
    n, m, rows, columns = (draw(st.integers(0, 6)) for _ in range(4))
    floats = lambda shape: np.array(draw(st.lists(NUMBERS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))
    metadata = draw(st.dictionaries(st.text(min_size=1, max_size=5), NUMBERS, max_size=3))
    return LAYOUT.encode(
        draw(st.text(max_size=9)),
        band=draw(st.text(max_size=3)),
        label=draw(st.integers(-1, 5)),
        time=floats(n),
        magnitude=floats(n),
        flux=floats(m),
        wavelength=floats(m),
        picture=floats((rows, columns)).reshape(rows, columns),
        epoch=draw(st.floats(allow_nan=False)),
        redshift=draw(NUMBERS),
        source_id=draw(st.integers(-(2**63), 2**63 - 1)),
        votes=draw(st.one_of(st.none(), st.just([1.0, 2.0, 3.0]))),
        **({"metadata": metadata} if metadata else {}),
    )


@settings(deadline=None, max_examples=60)
@given(records())
def test_what_is_encoded_comes_back(encoded):
    same(encoded, LAYOUT.decode(parse_example(LAYOUT.serialize(encoded))))


@pytest.mark.parametrize("name", ["SN\nIa", "SN\x85Ia", " SN", ""])
def test_class_names_are_one_line(name):
    """tfds writes one a line and strips them: other names would shift the classes."""
    with pytest.raises(DataError, match="is not one line"):
        LAYOUT.features(("AGN", name))


def test_labels_as_names():
    found = LAYOUT.decode(parse_example(LAYOUT.serialize(record(2))), ("EA", "RRab"))
    assert found["label"] == "RRab"
    assert LAYOUT.decode(parse_example(LAYOUT.serialize(record(3))), ("EA", "RRab"))["label"] is None
    assert LAYOUT.decode(parse_example(LAYOUT.serialize(record(2))), ())["label"] is None


@pytest.mark.parametrize("classes", [("EA", "RRab"), ()])
def test_tfds_writes_and_reads_what_we_do(classes):
    features = LAYOUT.features(classes, ["period"], {"picture": (2, 3)})
    one = record(5 + 2)
    ours, theirs = LAYOUT.serialize(one), features.serialize_example(one)
    same(parse_example(ours), parse_example(theirs))
    decoded = features.deserialize_example_np(ours)
    for name in ("picture", "votes", "flux", "epoch", "source_id", "label"):
        np.testing.assert_array_equal(decoded[name], one[name])


def test_arrays_of_several_shapes_are_held_flat():
    flat = flattened(record(1), ["picture"])
    assert flat["picture"].shape == (6,)
    assert LAYOUT.features((), ["period"]).serialize_example(flat)
    same(record(1), LAYOUT.decode(parse_example(LAYOUT.serialize(flat))))


def test_groups_by_shape_the_first_one_nameless():
    assert [(g.name, g.series, g.ragged) for g in LAYOUT.groups] == [
        ("", ("time", "magnitude"), True),
        ("spectrum", ("flux", "wavelength"), True),
        ("picture", ("picture",), False),
    ]
    assert RecordLayout("tables", floats=("a",)).first is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"time": [1]}, "no 'magnitude'"),
        ({"time": [1], "magnitude": [1, 2]}, "one shape"),
        ({"time": [[1]], "magnitude": [[1]]}, "one shape"),
        ({"time": [1], "magnitude": [1], "flux": [1]}, "no 'wavelength'"),
        ({"time": [1], "magnitude": [1], "votes": [1]}, r"not \(3,\)"),
        ({"time": [1], "magnitude": [1], "colour": 1}, "'colour', which spectral_stars do not have"),
    ],
)
def test_wrong_records_are_one_sentence(values, message):
    with pytest.raises(DataError, match=message):
        LAYOUT.encode("a", source_id=1, **values)
    with pytest.raises(DataError, match="no 'source_id'"):
        LAYOUT.encode("a", time=[1], magnitude=[1])


def test_what_is_not_given_is_missing():
    bare = LAYOUT.encode("a", source_id=1, time=[1], magnitude=[1])
    assert np.isnan(bare["epoch"]) and np.isnan(bare["redshift"]) and np.isnan(bare["votes"]).all()
    assert bare["spectrum_length"] == 0 and bare["picture"].shape == (0, 0) and bare["label"] == -1


def test_a_layout_that_contradicts_itself():
    with pytest.raises(ValueError, match="'a' twice"):
        RecordLayout("x", {"a": ("length",)}, floats=("a",))
    with pytest.raises(ValueError, match="only the first"):
        RecordLayout("x", {"a": ("n",), "b": ("length",)})
