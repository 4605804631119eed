"""Simulated stars beside the real ones: the same rows at the same step, few points shown of some, data that cannot simulate."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.star_encoder import CENTRE, SURVEY_SCALARS
from lcjax.models.star_encoder_config import PointTokensConfig
from lcjax.systems import build_task
from lcjax.systems.base_encoder import simulated_stars as module
from lcjax.systems.base_encoder.config import SimulationConfig
from lcjax.systems.base_encoder.objective import Objective
from lcjax.systems.base_encoder.prepared import PreparedStars
from lcjax.systems.base_encoder.simulated_stars import SimulatedStars, _shown
from tests.systems.base_encoder.small import LENGTH, Stars, small
from tests.training.curves import CurveSource


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCJAX_CACHE", str(tmp_path_factory.mktemp("cache")))
        source = PreparedStars(Stars(length=LENGTH), small(prepared=True, simulated=30), training=True)
        next(source.train_batches())
        yield source


def test_steps_have_rows_of_their_own_from_any_position(source):
    (first, one), (second, two) = (pair for pair, _ in zip(source.train_batches(), range(2), strict=False))
    assert one["simulated"]["label"].shape == (4,) and one["simulated"]["views"]["scalars"].shape[0] == 4
    _, again = next(source.train_batches(*second))
    jax.tree.map(np.testing.assert_array_equal, again["simulated"], two["simulated"])
    assert not np.array_equal(one["simulated"]["period"], two["simulated"]["period"], equal_nan=True)
    assert "simulated" not in next(source.evaluation_batches()) and first == (0, 0)


def test_class_and_period_are_what_the_loss_asks_for(source):
    """The loss is that of the real stars plus twice that of the simulated ones, which knows their classes and periods."""
    settings = small(prepared=True, simulated=30)
    task = build_task(settings)
    _, batch = next(source.train_batches())
    batch = {name: value for name, value in batch.items() if name not in ("object_id", "record")}
    variables = jax.jit(lambda batch: task.init(jax.random.key(0), batch))(batch)
    run = jax.jit(lambda batch: task.updates[0].loss(variables["params"], {}, batch, jax.random.key(1)))
    value, (metrics, _) = run(batch)
    mean = lambda name, metrics: float(metrics[name][0] / metrics[name][1])
    without = run({name: value for name, value in batch.items() if name != "simulated"})[0]
    assert float(value) == pytest.approx(float(without) + 2 * mean("recognition", metrics), rel=1e-4)
    stars = batch["simulated"]
    other = run(batch | {"simulated": {**stars, "label": (stars["label"] + 1) % 3}})[1][0]
    assert mean("recognition", other) != mean("recognition", metrics) and mean("contrast", other) == mean(
        "contrast", metrics
    )
    later = run(batch | {"simulated": {**stars, "period": 1000 * stars["period"]}})[1][0]
    known = np.isfinite(stars["period"]).mean()
    assert mean("recognition", later) == pytest.approx(mean("recognition", metrics) + 3 * known, rel=0.2)
    assert float(metrics["period_found"][1]) == np.isfinite(stars["period"]).sum()


def test_numbers_of_the_survey_are_hidden_in_training_and_periods_within_five_percent_are_found(source):
    """By a network that answers what it is told to."""
    settings = small(prepared=True, simulated=30)
    settings = dataclasses.replace(settings, contrast=dataclasses.replace(settings.contrast, drop_scalars=1.0))
    period = jnp.array([10.0, 10.0, 10.0, jnp.nan])
    guess = jnp.array([1.019, 0.981, 1.022, 0.0])
    seen = []

    class Told:
        def apply(self, variables, inputs, **how):
            seen.append(inputs["views"].scalars)
            return {"class_logits": jnp.eye(4), "log_period": guess}

    stars = jax.tree.map(jnp.asarray, next(source.train_batches())[1]["simulated"]) | {
        "label": jnp.array([0, 1, 2, 0]),
        "period": period,
    }
    keys = jax.random.split(jax.random.key(0))
    for training in (True, False):
        metrics = Objective(settings, Told()).recognition({}, stars, *keys, training, None)[1]
        assert [list(map(float, metrics[name])) for name in ("period_found", "class_found")] == [[2, 3], [3, 4]]
    own = stars["views"]["scalars"]
    usual = np.array(own)
    usual[:, SURVEY_SCALARS] = np.array(CENTRE)[list(SURVEY_SCALARS)]
    np.testing.assert_allclose(seen[0], usual, rtol=1e-6)
    np.testing.assert_array_equal(seen[1], own)
    assert np.abs(usual - own).max() > 0.1


def test_few_points_of_some_are_shown():
    mask = np.ones((400, 40), bool)
    mask[:, 30:] = False
    mask[0, 6:] = False
    shown = _shown(mask, np.random.default_rng(0))
    assert not (shown & ~mask).any() and set(shown[1:].sum(1)) <= {30, 21, 15, 9} and shown[0].sum() >= 5
    assert 0.3 < (shown.sum(1) == 30).mean() < 0.5
    fewest = shown[shown.sum(1) == 9]
    assert fewest[:, 9:].any(1).mean() > 0.9, "not the first ones"


def test_stars_and_rows_depend_on_seed_and_step_and_views_are_of_the_points_shown(monkeypatch):
    monkeypatch.setattr(
        module,
        "kept_views",
        lambda stars, parts, experiment, say: {"points": parts.sum(2), "place": np.arange(len(parts))[:, None]},
    )
    stars = lambda seed: SimulatedStars(Stars(length=LENGTH), small(prepared=True, simulated=300, seed=seed))
    one, same, other = stars(1), stars(1), stars(2)
    place = lambda source, step: source.rows(step)["views"]["place"].tolist()
    assert place(one, 4) == place(same, 4) and len({str(place(*of)) for of in ((one, 4), (one, 5), (other, 4))}) == 3
    views, label, period = (one.arrays()[name] for name in ("views", "label", "period"))
    assert not np.array_equal(period, other.arrays()["period"], equal_nan=True)
    assert "points" not in one.rows(4)
    assert set(views["points"]) == {24, 17, 12, 8}, "all, 0.7, half and 0.3 of 24"
    rows = one.rows(4)
    np.testing.assert_array_equal(rows["label"], label[rows["views"]["place"]])
    np.testing.assert_array_equal(rows["period"], period[rows["views"]["place"]])
    settings = small(prepared=True, simulated=300, seed=1)
    encoder = dataclasses.replace(settings.model.encoder, tokens=PointTokensConfig(points=4, width=8, heads=2))
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, encoder=encoder))
    told = SimulatedStars(Stars(length=LENGTH), settings).rows(4)
    np.testing.assert_array_equal(told["points"]["mask"].sum(1), told["views"]["points"], "the points that are shown")
    np.testing.assert_array_equal(told["period"], rows["period"])


def test_data_that_cannot_simulate_and_settings_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="cannot simulate"):
        SimulatedStars(CurveSource(length=LENGTH), small(prepared=True, simulated=3))
    with pytest.raises(ConfigError, match="prepared before training"):
        small(prepared=False, simulated=3)
    with pytest.raises(ConfigError, match="two or more"):
        SimulationConfig(classes=("EW", "EW"))
    fewer = dataclasses.replace(small(prepared=True, simulated=3), simulation=SimulationConfig(weight=1.0, stars=4))
    kinds = [
        PreparedStars(Stars(length=LENGTH), one, True).fingerprint for one in (small(prepared=True, simulated=3), fewer)
    ]
    assert kinds[0] != kinds[1]
