"""The protocol: the held-out class is not learned from, every fold validates once, tables of what was found."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.systems.svdd import protocol
from lcjax.systems.svdd.protocol import ProtocolSettings, as_scores, run_protocol, stratified_parts
from tests.systems.svdd.conftest import CLASSES, NAMES

QUICK = ProtocolSettings(
    detectors=("autoencoder", "ecod"),
    outliers=("odd",),
    folds=2,
    latent=3,
    max_epochs=2,
    patience=2,
    batch_size=64,
    scaling="none",
)


def test_every_detector_of_every_fold(blobs):
    found = run_protocol(blobs.features, blobs.label, NAMES, CLASSES, QUICK)
    assert {(f.detector, f.fold) for f in found} == {(d, k) for d in QUICK.detectors for k in (0, 1)}
    ecod = [f for f in found if f.detector == "ecod"]
    assert ecod[0].auroc == ecod[1].auroc > 0.95  # it knows no chance
    scores = as_scores(found)
    assert scores.values["ecod"]["odd"]["auroc"]["mean"] == ecod[0].auroc
    assert [t.header[0] for t in scores.printed] == ["detector", "detector"]


def test_the_held_out_class_is_not_learned_from(blobs):
    training = blobs.label >= 0
    fold = np.arange(len(blobs.label)) % 2
    members = protocol._members(blobs.label, training, fold, ("b", "odd"), CLASSES, 2)
    first = members.label[0]
    assert set(first[blobs.label == 1]) == {-1} and set(first[blobs.label == 3]) == {2}
    assert set(members.label[2][blobs.label == 3]) == {-1}
    assert not (members.train & members.validation).any()
    assert members.source.tolist() == [0, 0, 1, 1] and members.seed.tolist() == [0, 1, 0, 1]


def test_changed_outliers_change_nothing_that_is_learned(blobs):
    """What the test objects of the held-out class are must not matter for how known objects are scored."""
    own = dataclasses.replace(QUICK, detectors=("ecod",))
    test = stratified_parts(blobs.label, (0.8, 0.2), 1) == 1
    one = run_protocol(blobs.features, blobs.label, NAMES, CLASSES, own, test)[0]
    moved = np.where((blobs.label == 3)[:, None] & ~test[:, None], 50.0, blobs.features)
    assert run_protocol(moved, blobs.label, NAMES, CLASSES, own, test)[0].auroc == one.auroc


def test_the_scaler_sees_neither_the_held_out_class_nor_test_objects(blobs, monkeypatch):
    seen = []
    fit = protocol.fit_scaler
    monkeypatch.setattr(protocol, "fit_scaler", lambda own, x, known: seen.append(known) or fit(own, x, known))
    test = stratified_parts(blobs.label, (0.8, 0.2), 1) == 1
    own = dataclasses.replace(QUICK, detectors=("ecod",), outliers=("b", "odd"))
    run_protocol(blobs.features, blobs.label, NAMES, CLASSES, own, test)
    for known, outlier in zip(seen, (1, 3), strict=True):
        np.testing.assert_array_equal(known >= 0, (blobs.label >= 0) & (blobs.label != outlier) & ~test)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"detectors": ("forest",)}, ConfigError, "no detector 'forest'"),
        ({"outliers": ("x",)}, ConfigError, "no class 'x' to hold out"),
        ({"folds": 1}, ConfigError, "two folds or more"),
        ({"folds": 50}, DataError, "class 'c' has 40 objects"),
    ],
)
def test_refusals(blobs, changes, error, message):
    with pytest.raises(error, match=message):
        run_protocol(blobs.features, blobs.label, NAMES, CLASSES, dataclasses.replace(QUICK, **changes))


def test_folds_and_test_parts_that_tables_say(blobs):
    """Folds count from 1 as well as from 0; of twice as many, half would never validate."""
    own = dataclasses.replace(QUICK, detectors=("ecod",))
    test = np.arange(len(blobs.label)) % 3 == 0
    from_zero = np.arange(len(blobs.label)) // 3 % 2
    run = lambda test, fold: run_protocol(blobs.features, blobs.label, NAMES, CLASSES, own, test, fold)
    numbered = protocol._numbered(from_zero + 1, ~test, 2)
    assert (numbered[~test] == from_zero[~test]).all() and (numbered[test] == -1).all()
    with pytest.raises(ConfigError, match="has 4 folds of training objects, and --folds is 2"):
        run(test, np.arange(len(blobs.label)) // 3 % 4)
    with pytest.raises(DataError, match="no objects of 'odd'"):
        run(test & (blobs.label != CLASSES.index("odd")), from_zero)
    with pytest.raises(DataError, match="no objects of others"):
        run(test & (blobs.label == CLASSES.index("odd")), from_zero)
