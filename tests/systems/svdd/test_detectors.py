"""Every detector behind one interface: it finds the outliers, and is the same after it was saved."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError, WeightsError
from lcjax.evaluation.ranking import auroc
from lcjax.systems.svdd.classic import ecod_score, fit_ecod
from lcjax.systems.svdd.detectors import DETECTORS, fit_detector, load_detector
from lcjax.systems.svdd.fitting import FitSettings
from tests.systems.svdd.conftest import CLASSES, NAMES, SMALL

QUICK = FitSettings(learning_rate=5e-3, batch_size=64, max_epochs=20, vae_epochs=20)


@pytest.fixture(scope="module")
def fitted(blobs):
    made = {}
    for name in DETECTORS:
        made[name] = fit_detector(name, blobs.features, blobs.known, NAMES, CLASSES[:3], SMALL, QUICK)
    return made


@pytest.mark.parametrize("name", DETECTORS)
def test_outliers_are_found_and_saved_detectors_are_the_same(fitted, blobs, name, tmp_path):
    score = fitted[name].score(blobs.features)
    assert auroc(score, blobs.label == 3) > 0.85
    fitted[name].save(tmp_path / "d")
    again = load_detector(tmp_path / "d")
    np.testing.assert_array_equal(again.score(blobs.features), score)
    assert again.feature_names == NAMES and again.experiment.inputs.class_names == CLASSES[:3]
    # Columns by name, in any order; a row does not depend on its company.
    columns = {n: blobs.features[:, i] for i, n in enumerate(NAMES)}
    shuffled = dict(sorted(columns.items(), reverse=True))
    np.testing.assert_array_equal(again.score_table(shuffled), score)
    np.testing.assert_allclose(again.score(blobs.features[5:6]), score[5:6], rtol=1e-4, atol=1e-5)


def test_centres_are_those_that_were_trained_to(blobs):
    fixed = fit_detector("mcdsvdd", blobs.features, blobs.known, NAMES, CLASSES[:3], SMALL, QUICK)
    as_published = dataclasses.replace(QUICK, centres="recomputed")
    moved = fit_detector("mcdsvdd", blobs.features, blobs.known, NAMES, CLASSES[:3], SMALL, as_published)
    assert np.abs(fixed.arrays["centres"] - moved.arrays["centres"]).max() > 1e-4
    first = lambda d: np.asarray(d.arrays["params"]["encoder"]["latent"]["kernel"])
    np.testing.assert_array_equal(first(fixed), first(moved))


def test_forest_and_svm_are_scikit_learns(fitted, blobs):
    from sklearn.ensemble import IsolationForest
    from sklearn.svm import OneClassSVM

    forest, svm = fitted["isolation_forest"], fitted["one_class_svm"]
    x, known = forest.scaled(blobs.features), blobs.known >= 0
    model = IsolationForest(
        n_estimators=100, max_samples=int(min(256, known.sum())), contamination=0.001, random_state=0
    )
    wanted = -model.fit(x[known]).score_samples(x)
    np.testing.assert_allclose(forest.score(blobs.features), wanted, rtol=1e-9)
    wanted = -OneClassSVM(nu=0.01, gamma="scale").fit(x[known].astype(np.float64)).score_samples(x.astype(np.float64))
    np.testing.assert_allclose(svm.score(blobs.features), wanted, rtol=1e-5, atol=1e-9)


def test_ecod_by_hand():
    """Sums of minus log tail shares: of lower tails, of upper ones, and of the side that the column is skewed to."""
    rng = np.random.default_rng(1)
    x, row = np.stack([rng.gamma(1.0, size=50), -rng.gamma(1.0, size=50)], 1), np.array([[3.0, -4.0]])
    low = [-np.log(((x[:, i] <= row[0, i]).sum() + 1) / 51) for i in (0, 1)]
    high = [-np.log(((x[:, i] >= row[0, i]).sum() + 1) / 51) for i in (0, 1)]
    wanted = max(sum(low), sum(high), high[0] + low[1])
    np.testing.assert_allclose(ecod_score(fit_ecod(x), row), [wanted])
    assert wanted == high[0] + low[1]


def test_what_cannot_be_fitted_or_read_is_refused(blobs, tmp_path):
    with pytest.raises(ConfigError, match="no detector 'forest': use autoencoder"):
        fit_detector("forest", blobs.features, blobs.known, NAMES, CLASSES[:3])
    few = np.where(np.arange(len(blobs.known)) == 0, 0, np.where(blobs.known == 0, -1, blobs.known))
    with pytest.raises(DataError, match="class 'a' has one object"):
        fit_detector("ecod", blobs.features, few, NAMES, CLASSES[:3])
    with pytest.raises(DataError, match="class 'odd' has no objects"):
        fit_detector("ecod", blobs.features, blobs.known, NAMES, CLASSES)
    with pytest.raises(WeightsError, match="holds no sound detector"):
        load_detector(tmp_path)
    made = fit_detector("ecod", blobs.features, blobs.known, NAMES, CLASSES[:3])
    with pytest.raises(DataError, match=r"takes \(rows, 6\)"):
        made.score(blobs.features[:, :5])
    with pytest.raises(ConfigError, match="no feature 'f5'"):
        made.score_table(dict.fromkeys(NAMES[:5], blobs.features[:, 0]))
