"""What is kept of other parts, points, settings or code is not taken for these, and every part gets its own."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.systems.base_encoder import kept_views as module
from tests.systems.base_encoder.small import LENGTH, Stars, small

EXPERIMENT = small(prepared=True)


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """How many files of parts were computed; in place of views the sum of a part's magnitudes, and how many points it has."""
    calls, whole = [], module._computed
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path))
    sums = lambda batch: {
        "sum": jnp.sum(jnp.where(batch["mask"], batch["magnitude"], 0.0), 1), "points": jnp.sum(batch["mask"], 1)
    }  # fmt: skip
    monkeypatch.setattr(module, "views_of", lambda experiment: sums)
    monkeypatch.setattr(module, "packed", lambda views: views)
    monkeypatch.setattr(module, "_packed_views", module._packed_views.__wrapped__)  # sums are nothing to remember
    monkeypatch.setattr(module, "_computed", lambda *given: calls.append(1) or whole(*given))
    return calls


def stars():
    """(points of 8 stars, three parts of each)."""
    batch = Stars(length=LENGTH).batch(1, 0)
    points = {name: batch[name] for name in ("time", "magnitude", "magnitude_error", "mask")}
    drawn = np.random.default_rng(0).random((8, 3, LENGTH)) < np.array([0.9, 0.3, 0.6])[:, None]
    return points, drawn & points["mask"][:, None]


def check(found, points, parts):
    np.testing.assert_array_equal(found["points"], parts.sum(2))
    np.testing.assert_allclose(found["sum"], (points["magnitude"][:, None] * parts).sum(2), rtol=1e-5)


def test_every_part_has_its_own_views_whatever_its_length(computed, monkeypatch):
    points, parts = stars()
    assert (np.diff(parts.reshape(24, -1).sum(1)) < 0).any(), "in another order than they are computed"
    check(module.kept_views(points, parts, EXPERIMENT), points, parts)
    check(module.kept_views(points, parts, EXPERIMENT), points, parts)
    assert len(computed) == 1
    monkeypatch.setattr(module, "KEPT", 10)  # several files, of which one is lost
    monkeypatch.setattr(module, "_code", lambda: "another version")
    said = []
    check(module.kept_views(points, parts, EXPERIMENT, said.append), points, parts)
    assert len(computed) == 4
    assert [text[:28] for text in said] == [f"views of parts of stars: {share}" for share in ("42%", "83%", "100")]
    next((module.cache_folder() / "views").glob("*/000000010.npz")).unlink()
    check(module.kept_views(points, parts, EXPERIMENT), points, parts)
    assert len(computed) == 5


def test_nothing_is_taken_from_other_parts_points_settings_or_code(computed, monkeypatch):
    points, parts = stars()
    module.kept_views(points, parts, EXPERIMENT)
    check(module.kept_views(points, parts[:, ::-1], EXPERIMENT), points, parts[:, ::-1])
    for name in ("time", "magnitude", "magnitude_error"):
        other = {**points, name: points[name] + np.float32(0.5)}
        check(module.kept_views(other, parts, EXPERIMENT), other, parts)
    assert len(computed) == 5
    encoder = EXPERIMENT.model.encoder
    for changed in ({"candidates": 3}, {"periodogram_bins": 64}, {"phase_bins": 16}, {"bands": 3}):
        model = dataclasses.replace(EXPERIMENT.model, encoder=dataclasses.replace(encoder, **changed))
        module.kept_views(points, parts, dataclasses.replace(EXPERIMENT, model=model))
    for name, value in (("jitter", 2.0), ("highest", 0.4), ("oversampling", EXPERIMENT.views.oversampling + 1)):
        views = dataclasses.replace(EXPERIMENT.views, **{name: value})
        module.kept_views(points, parts, dataclasses.replace(EXPERIMENT, views=views))
    assert len(computed) == 12
    monkeypatch.setattr(module, "_code", lambda: "another version")
    module.kept_views(points, parts, EXPERIMENT)
    assert len(computed) == 13
    widths = dataclasses.replace(encoder, width=16)  # what views do not depend on
    module.kept_views(
        points, parts, dataclasses.replace(EXPERIMENT, model=dataclasses.replace(EXPERIMENT.model, encoder=widths))
    )
    assert len(computed) == 13
