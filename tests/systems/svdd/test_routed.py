"""Outliers among the objects of all groups: nobody learns the held-out class, and what a classifier of groups sends where is said."""

import dataclasses
import json

import pytest

from data_pipelines.kinds.tables.columns import FeatureColumns
from data_pipelines.labelled_features import read_objects
from lcjax.cli.main import main
from lcjax.errors import ConfigError
from lcjax.systems.svdd import routed
from lcjax.systems.svdd.protocol import ProtocolSettings, dealt_parts
from lcjax.systems.svdd.routed import run_routed

pytest.importorskip("sklearn", reason="needs scikit-learn (extra test or classic)")

GROUPS = {"one": ("a", "b"), "two": ("c", "odd")}
SETTINGS = ProtocolSettings(detectors=("ecod",), folds=2, outliers=("odd",), scaling="none")


@pytest.fixture(scope="module")
def objects(table):
    return read_objects([str(table)], FeatureColumns())


def test_nobody_learns_the_held_out_class(objects):
    found, routes = run_routed(objects, GROUPS, SETTINGS)
    assert [(one.detector, one.outlier, one.fold) for one in found] == [("ecod", "odd", 0), ("ecod", "odd", 1)]
    assert min(one.auroc for one in found) > 0.95 and min(one.accuracy for one in routes) > 0.95
    is_test, _ = dealt_parts(objects.label, SETTINGS, None, None)
    changed = objects.features.copy()
    changed[(objects.label == objects.class_names.index("odd")) & ~is_test] += 100
    assert run_routed(dataclasses.replace(objects, features=changed, is_test=is_test), GROUPS, SETTINGS) == (
        found,
        routes,
    )
    usual = run_routed(objects, GROUPS, dataclasses.replace(SETTINGS, outliers=("c",)))[1]
    assert all(one.accuracy > 0.95 for one in usual)  # `odd` is known now: its group is


def test_known_scores_are_of_objects_that_no_detector_learned(objects, monkeypatch):
    """Shares of known objects that are less unusual would be too high, were these the ones that a detector knows best."""
    learned, compared = [], []
    fit, of = routed.fit_detector, routed.HierarchicalDetector.of
    monkeypatch.setattr(
        routed,
        "fit_detector",
        lambda name, x, label, *more: (learned.append(x[label >= 0]), fit(name, x, label, *more))[1],
    )
    monkeypatch.setattr(
        routed.HierarchicalDetector, "of", lambda detectors, known: (compared.append(known), of(detectors, known))[1]
    )
    run_routed(objects, GROUPS, SETTINGS)
    for k, known in enumerate(compared):
        rows = {row.tobytes() for part in learned[2 * k : 2 * k + 2] for row in part}
        assert all(len(part) for part in known.values())
        assert not rows & {row.tobytes() for part in known.values() for row in part}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"one": ("a", "b")}, "two or more with --groups"),
        ({"one": ("a", "b"), "two": ("c",)}, "the group 'two' has one class"),
        ({"one": ("a", "b"), "two": ("b", "c")}, "the class 'b' is in two groups"),
    ],
)
def test_refusals(objects, groups, message):
    with pytest.raises(ConfigError, match=message):
        run_routed(objects, groups, SETTINGS)


def test_from_the_command_line(table, tmp_path, capsys):
    asked = ["holdout", str(table), "--detectors", "ecod", "--folds", "2", "--routed", "--out", str(tmp_path)]
    assert main(asked) == 2 and "--routed is between groups" in capsys.readouterr().err
    lines = ["class,group", *(f"{name},{group}" for group, names in GROUPS.items() for name in names)]
    (tmp_path / "groups.csv").write_text("\n".join(lines))
    assert main([*asked, "--groups", str(tmp_path / "groups.csv"), "--never", "a", "b", "c"]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["detectors"]["ecod"].keys() == {"own group", "routed"}
    assert scores["routes"]["odd"]["accuracy"] > 0.95
    assert "goes to its own group" in capsys.readouterr().out
