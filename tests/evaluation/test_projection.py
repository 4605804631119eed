"""Maps by UMAP and PaCMAP: asked for with the published settings, and an error that names the extra."""

import os
import sys
import types

import numpy as np
import pytest

from lcjax.errors import MissingExtraError
from lcjax.evaluation.projection import project

CLUSTERS = np.concatenate([np.random.default_rng(0).normal(at, 0.2, (12, 5)) for at in 9 * np.eye(5)[:3]])


@pytest.fixture
def asked(monkeypatch):
    """What either package is asked for; their maps are the first two columns."""
    settings = {}

    class Fake:
        def __init__(self, **given):
            settings.update(given)

        def fit_transform(self, values):
            assert values.dtype == np.float32
            return values[:, :2]

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Fake))
    monkeypatch.setitem(sys.modules, "pacmap", types.SimpleNamespace(PaCMAP=Fake))
    return settings


def test_umap_has_the_settings_of_astrom3(asked):
    assert project(CLUSTERS, "umap", seed=3).dtype == np.float64
    wanted = {"metric": "cosine", "min_dist": 0.7, "random_state": 3, "n_jobs": 1}
    assert asked == wanted | {"n_neighbors": 35}, "no more neighbours than other objects"
    project(np.repeat(CLUSTERS, 2, axis=0), "umap")
    assert asked["n_neighbors"] == 45 and asked["random_state"] == 42


def test_pacmap_is_asked_for_by_seed(asked):
    np.testing.assert_allclose(project(CLUSTERS, "pacmap", seed=3), CLUSTERS[:, :2], rtol=1e-6)
    assert asked == {"random_state": 3}


@pytest.mark.parametrize(("method", "package"), [("umap", "umap-learn"), ("pacmap", "pacmap")])
def test_what_is_not_installed_is_named_with_its_extra(method, package, monkeypatch):
    monkeypatch.setitem(sys.modules, method, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*maps"):
        project(CLUSTERS, method)


@pytest.mark.skipif(
    "LCJAX_MAPS" not in os.environ, reason="UMAP and PaCMAP compile for half a minute: LCJAX_MAPS=1 runs them"
)
@pytest.mark.parametrize("method", ["umap", "pacmap"])
def test_real_maps_hold_clusters_together_and_repeat_themselves(method):
    pytest.importorskip(method, reason="maps by UMAP and PaCMAP need the extra maps")
    found = project(CLUSTERS, method)
    assert found.shape == (36, 2) and np.isfinite(found).all()
    np.testing.assert_array_equal(found, project(CLUSTERS, method))
    groups = found.reshape(3, 12, 2)
    apart = np.linalg.norm(groups.mean(1)[:, None] - groups.mean(1), axis=-1)[np.triu_indices(3, 1)]
    assert apart.min() > 3 * groups.std(1).max()
