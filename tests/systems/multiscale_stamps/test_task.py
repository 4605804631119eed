import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lcjax.errors import ConfigError
from lcjax.systems import PRESETS, build_task
from lcjax.systems.classifier.task import flat_notes
from lcjax.systems.multiscale_stamps.config import (
    CLASS_NAMES,
    PRODUCTION_FEATURES,
    MultiscaleExperiment,
    MultiscaleInputsConfig,
)
from lcjax.systems.multiscale_stamps.task import prepare_features, prepare_images, resolve

NAMES = [name for name in PRESETS if name.startswith("multiscale-stamps")]


def alerts(count, seed=0, size=63, names=PRODUCTION_FEATURES):
    """Points whose brightness on template and difference tell the class."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(CLASS_NAMES), count).astype(np.int32)
    y, x = np.mgrid[:size, :size] - size // 2
    star = np.exp(-(x**2 + y**2) / 8.0)[None]
    old, new = (label % 3)[:, None, None] * 300.0, (label // 3)[:, None, None] * 600.0 + 200
    science = 100 + (old + new) * star
    stamps = np.stack([science, 100 + old * star, new * star], -1) + rng.normal(0, 10, (count, size, size, 3))
    stamps[0, :6] = np.nan
    return {
        "stamps": stamps.astype(np.float32),
        "metadata": rng.normal(size=(count, len(names))).astype(np.float32),
        "ra": rng.uniform(0, 360, count).astype(np.float32),
        "dec": rng.uniform(-30, 80, count).astype(np.float32),
        "label": label,
        "weight": np.ones(count, np.float32),
        "row": np.arange(count, dtype=np.int32),
    }


def small(name, **changes):
    """A preset with few filters."""
    experiment = PRESETS[name]()
    model = dataclasses.replace(
        experiment.model, filters=tuple(6 for _ in experiment.model.filters), dense=12, dropout=0.1, **changes
    )
    return dataclasses.replace(experiment, model=model)


def initial(task, batch, seed=0):
    """Random variables; shapes are traced only, since compiling `init` costs more than most tests."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(task.init, jax.random.key(0), batch)
    draw = lambda x: rng.normal(0, np.sqrt(2 / max(1, np.prod(x.shape[:-1]))), x.shape).astype(np.float32)
    params = jax.tree.map(lambda x: draw(x) if x.ndim > 1 else np.zeros(x.shape, np.float32), shapes["params"])
    params["bn"]["scale"] = np.ones_like(params["bn"]["scale"])
    return {**shapes, "params": params, "batch_stats": jax.tree.map(lambda x: np.ones(x.shape), shapes["batch_stats"])}


def test_presets_have_the_published_widths():
    expected = {
        "multiscale-stamps": ((76, 18, 54, 28), 69, 7.445e-4, 0.8478),
        "multiscale-stamps-cropped": ((112, 27, 92, 121), 133, 3.4627e-4, 0.8668),
        "multiscale-stamps-low-res": ((63, 31, 108, 14), 22, 1.125e-3, 0.7307),
        "multiscale-stamps-full": ((37, 60, 29, 26), 31, 7.589e-4, 0.7173),
    }
    for name, (filters, dense, rate, dropout) in expected.items():
        e = PRESETS[name]()
        assert (e.model.filters, e.model.dense, e.model.dropout) == (filters, dense, dropout)
        assert e.optimizer.learning_rate == rate and e.training.batch_size == 256 and e.inputs.balance == "weighted"


@pytest.mark.parametrize("name", NAMES)
def test_shapes_of_every_preset(name):
    task, batch = build_task(PRESETS[name]()), alerts(2)
    variables = jax.eval_shape(task.init, jax.random.key(0), batch)
    out = jax.eval_shape(task.predict, variables, batch)
    assert out["probabilities"].shape == (2, 6)
    params = variables.pop("params")
    value, (metrics, state) = jax.eval_shape(task.loss, params, variables, batch, jax.random.key(0))
    assert value.shape == () and jax.tree.structure(state) == jax.tree.structure(variables)
    assert {"recall_satellite", "live_conv_1", "class_loss_sn"} <= metrics.keys()
    assert task.flops(4, 0) > 0


def test_it_learns():
    task, batch = build_task(small("multiscale-stamps-rings", train_copies="one")), alerts(36)
    variables = initial(task, batch)
    params, state = variables.pop("params"), variables
    optimizer = optax.adam(1e-2)

    @jax.jit
    def run(params, state, batch):
        def step(carry, key):
            params, state, moments = carry
            (value, (_, state)), grads = jax.value_and_grad(task.loss, has_aux=True)(params, state, batch, key)
            updates, moments = optimizer.update(grads, moments, params)
            return (optax.apply_updates(params, updates), state, moments), value

        keys = jax.random.split(jax.random.key(1), 40)
        (params, state, _), values = jax.lax.scan(step, (params, state, optimizer.init(params)), keys)
        return values, task.evaluate({"params": params, **state}, batch, jax.random.key(0))

    values, metrics = run(params, state, batch)
    assert values[-1] < 0.7 * values[0]
    means = {k: float(a) / max(float(b), 1e-9) for k, (a, b) in metrics.items()}
    reported = task.summarize(means)
    assert reported["accuracy"] > 0.4 and "balanced_loss" in reported and "class_loss_sn" not in reported
    assert {"live_conv_1", "live_conv_4", "image_effect", "metadata_effect"} <= reported.keys()
    assert not task.warnings("train", reported)


def test_scenarios_differ_only_in_what_is_seen():
    batch = alerts(2)
    seen = lambda inputs: jax.eval_shape(lambda x: prepare_images(x, inputs), batch["stamps"])
    shapes = {n: seen(PRESETS[n]().inputs).shape[1:] for n in NAMES}
    assert shapes["multiscale-stamps"] == shapes["multiscale-stamps-rings"] == (4, 8, 8, 6)
    assert shapes["multiscale-stamps-2025"] == (1, 23, 23, 6)
    fourier = dataclasses.replace(PRESETS["multiscale-stamps-rings"]().inputs, fourier="field")
    assert seen(fourier).shape == (2, 4, 8, 8, 7)
    assert resolve(MultiscaleExperiment(inputs=fourier)).model.num_channels == 7


def test_metadata_is_ranked_or_standardised():
    names = ("extra", *PRODUCTION_FEATURES)
    batch = alerts(400, size=17, names=names)
    batch["metadata"][::7, 1] = np.nan
    batch["metadata"][::5, 2] = -999.0
    sign = names.index("isdiffpos")
    batch["metadata"][:, sign] = np.arange(400) % 2
    inputs = PRESETS["multiscale-stamps-2025"]().inputs
    fitted = inputs.fitted(names, batch["metadata"])
    assert fitted.metadata_names == names and len(fitted.feature_quantiles) == len(PRODUCTION_FEATURES)
    features = np.asarray(jax.jit(lambda b: prepare_features(b, fitted))(batch))
    assert features.shape == (400, 3 + len(PRODUCTION_FEATURES))
    np.testing.assert_allclose(np.linalg.norm(features[:, :3], axis=1), 1, atol=1e-5)
    ranks = features[:, 3:]
    assert ranks.min() >= 0 and ranks.max() <= 1 and abs(ranks.mean() - 0.5) < 0.02
    column = lambda x, name: x[:, PRODUCTION_FEATURES.index(name)]
    assert (column(ranks, names[1])[::7] == 0.5).all() and (column(ranks, names[2])[::5] == 0.5).all()
    # A negative difference is -1, a positive one +1.
    assert column(ranks, "isdiffpos")[0] > column(ranks, "isdiffpos")[1]

    plain = dataclasses.replace(inputs, transform="zscore", position="spherical").fitted(names, batch["metadata"])
    assert not plain.feature_quantiles
    scores = np.asarray(prepare_features(batch, plain))[:, 2:]
    given = np.arange(400) % 7 > 0
    np.testing.assert_allclose(column(scores, "magpsf")[given].std(), 1, atol=1e-3)
    assert (column(scores, names[2])[::5] == 0).all()


def test_wrong_numbers_of_statistics_are_an_error():
    inputs = MultiscaleInputsConfig(features=("magpsf", "fwhm"), feature_mean=(1.0,))
    with pytest.raises(ConfigError, match="feature-mean has 1 values for 2 features"):
        build_task(MultiscaleExperiment(inputs=inputs))


def test_focal_loss_counts_sure_answers_less():
    experiment = small("multiscale-stamps-rings", train_copies="one")
    focal = dataclasses.replace(experiment, objective=dataclasses.replace(experiment.objective, focal_gamma=2.0))
    batch = alerts(6)
    task, other = build_task(experiment), build_task(focal)
    variables = initial(task, batch)
    params = variables.pop("params")
    losses = jax.jit(lambda p, b: [t.loss(p, variables, b, jax.random.key(1))[0] for t in (task, other)])
    plain, focal_value = losses(params, batch)
    assert 0 < focal_value < plain


def test_per_level_weights_report_the_life_of_every_level():
    task, batch = build_task(small("multiscale-stamps", level_weights="separate")), alerts(2)
    metrics = jax.eval_shape(task.evaluate, initial(task, batch), batch, jax.random.key(0))
    assert {"live_conv_1_level_0", "live_conv_4_level_3"} <= metrics.keys()


def test_notes_of_several_trunks_keep_their_level():
    notes = flat_notes({"trunk_2": {"conv_1_out": (jnp.zeros(1),)}, "logits_out": 1})
    assert set(notes) == {"conv_1_level_2_out", "logits_out"}
