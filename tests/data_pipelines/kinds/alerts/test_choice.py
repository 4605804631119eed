"""One alert an object or all, and caps of classes: seeded, by object, whatever the order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.kinds.alerts.choice import choose_alerts, objects_within_caps, parse_caps
from lcjax.errors import ConfigError

KEYS = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 9)), st.sampled_from([1.0, 2.0, float("nan")]), max_size=20
)


@given(KEYS, st.sampled_from(["first", "random"]), st.integers(0, 3))
def test_one_alert_an_object_whatever_the_order(times, keep, seed):
    chosen = choose_alerts(times, keep, seed)
    assert sorted(o for o, _ in chosen) == sorted({o for o, _ in times})
    assert chosen == choose_alerts(dict(reversed(times.items())), keep, seed)
    assert choose_alerts(times, "all", seed) == times.keys()


def test_the_first_is_the_earliest_and_random_ones_differ_by_seed():
    times = {("a", 3): 5.0, ("a", 1): 6.0, ("b", 2): float("nan"), ("b", 9): 7.0}
    assert choose_alerts(times, "first", 0) == {("a", 3), ("b", 9)}
    many = {("a", i): 0.0 for i in range(40)}
    assert len({tuple(choose_alerts(many, "random", seed)) for seed in range(8)}) > 4


def test_caps():
    labels = {f"s{i}": "SN" for i in range(9)} | {f"a{i}": "AGN" for i in range(3)} | {"u": None}
    kept = objects_within_caps(labels, {"SN": 4, "AGN": 7}, 0)
    assert sorted(o[0] for o in kept) == ["a", "a", "a", "s", "s", "s", "s", "u"]
    assert kept != objects_within_caps(labels, {"SN": 4, "AGN": 7}, 1)
    with pytest.raises(ConfigError, match="class 'QSO', and the labels are AGN, SN"):
        objects_within_caps(labels, {"QSO": 4}, 0)
    for wrong in ("SN", "=4", "SN=-1", "SN=x"):
        with pytest.raises(ConfigError, match="write CLASS=N"):
            parse_caps([wrong])
    with pytest.raises(ConfigError, match="each class once"):
        parse_caps(["SN=1", "SN=2"])
