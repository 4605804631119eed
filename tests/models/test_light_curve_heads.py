"""Heads on encoders and on bare light curves: what they read, and what changes nothing."""

import typing

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.heads import ClassifierHead
from lcjax.models.light_curve_head_config import MEAN_HEADS, PooledHead, RecurrentHead
from lcjax.models.light_curve_heads import HeadConfig, build_head, head_inputs, raw_inputs, standardised_over_time
from tests.models.weights import random_variables

MASK = np.arange(6) < np.array([[6], [4], [1]])
LAYERS = [np.asarray(jax.random.normal(jax.random.key(i), (3, 6, 8))) for i in range(3)]


def config(kind, **changes):
    return HeadConfig(kind=kind, widths=(6,), units=4, **changes)


@pytest.mark.parametrize("kind", MEAN_HEADS)
def test_one_vector_a_layer_is_enough(kind):
    """What is kept of a frozen encoder gives the logits of the whole layers."""
    inputs = head_inputs(config(kind), LAYERS, MASK)
    assert {x.shape for x in inputs["layers"]} == {(3, 1, 8)} and inputs["mask"].all()
    head = ClassifierHead(5, kind, (6,))
    variables = random_variables(head, {"layers": LAYERS, "mask": MASK}, spread=0.3)
    whole = head.apply(variables, {"layers": LAYERS, "mask": MASK})
    kept = build_head(config(kind), 5).apply(variables, inputs)
    for name in ("logits", "embedding"):
        np.testing.assert_allclose(kept[name], whole[name], atol=1e-5)


def test_heads_of_the_input_embedding_do_not_see_the_blocks():
    for kind in ("input_mean", "input_gru"):
        one, other = (head_inputs(config(kind), [LAYERS[0], x], MASK)["layers"] for x in LAYERS[1:])
        np.testing.assert_array_equal(one, other)
    last = head_inputs(config("att_avg"), LAYERS, MASK)["layers"]
    assert len(last) == 1 and (last[0] == LAYERS[2]).all()


@pytest.mark.parametrize("kind", ["lstm_att", "input_gru"])
def test_padding_changes_no_logit(kind):
    settings = config(kind)
    head = build_head(settings, 5)
    odd = [np.where(MASK[..., None], x, 9.0) for x in LAYERS]
    inputs = [head_inputs(settings, layers, MASK) for layers in (LAYERS, odd)]
    variables = random_variables(head, inputs[0], spread=0.5)
    one, other = (head.apply(variables, x)["logits"] for x in inputs)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_outputs_are_standardised_over_the_points_or_as_in_the_original_over_all_steps():
    x = LAYERS[0]
    over = np.asarray(standardised_over_time(x, MASK))[1, :4]
    np.testing.assert_allclose(over, (x[1, :4] - x[1, :4].mean(0)) / x[1, :4].std(0), atol=1e-5)
    steps = np.asarray(standardised_over_time(x, MASK, padding=True))[1]
    np.testing.assert_allclose(steps, (x[1] - x[1].mean(0)) / x[1].std(0), atol=1e-5)
    assert np.isfinite(standardised_over_time(x, MASK)[2]).all()  # a single point has no spread


def test_the_inverted_mask_pools_the_padding():
    inputs = head_inputs(config("avg_mlp", inverted_mask=True), LAYERS, MASK)
    np.testing.assert_allclose(inputs["layers"][0][1, 0], LAYERS[2][1, 4:].mean(0), atol=1e-6)
    np.testing.assert_array_equal(inputs["layers"][0][0], 0)  # no padding: nothing to pool
    for kind in ("skip_avg_mlp", "max"):  # these had no such mistake
        plain, inverted = (head_inputs(config(kind, inverted_mask=i), LAYERS, MASK) for i in (False, True))
        np.testing.assert_array_equal(plain["layers"], inverted["layers"])


@pytest.mark.parametrize("kind", ["raw_lstm", "raw_gru"])
def test_bare_light_curves(kind):
    rng = np.random.default_rng(0)
    batch = {"time": rng.uniform(0, 90, (3, 6)), "magnitude": rng.normal(15, 1, (3, 6)), "mask": MASK}
    inputs = raw_inputs(config(kind), batch)
    np.testing.assert_allclose(inputs["layers"][0][:, :, 0].max(1)[:2], 1, atol=1e-6)
    moved = raw_inputs(config(kind), {**batch, "time": batch["time"] * 7 + 3, "magnitude": batch["magnitude"] + 2})
    np.testing.assert_allclose(inputs["layers"], moved["layers"], atol=1e-5)
    means = raw_inputs(config(kind, scaling="mean"), batch)["layers"][0]
    np.testing.assert_allclose(means[1, :4].mean(0), 0, atol=1e-5)
    head = build_head(config(kind), 5)
    variables = random_variables(head, inputs, spread=0.5)
    out = head.apply(variables, inputs)
    assert out["logits"].shape == (3, 5) and out["embedding"].shape == (3, 4)


def test_gaps_and_spreads_are_of_the_points_alone():
    time = np.array([[0.0, 10, 10.1, 1000, 5000, 5000]])
    batch = {"time": time, "magnitude": np.array([[14.0, 16, 14, 16, 99, 99]]), "magnitude_error": np.full((1, 6), 0.1)}
    batch = {name: x.astype(np.float32) for name, x in batch.items()} | {"mask": np.arange(6)[None] < 4}
    inputs = raw_inputs(config("raw_gru", scaling="gaps"), batch)
    found = np.asarray(inputs["layers"][0][0])
    np.testing.assert_allclose(found[:4, 0], [-3, 1, -1, np.log10(989.9)], atol=1e-4)
    np.testing.assert_allclose(found[:4, 1:], [[-1, 0, -1], [1, 0, -1], [-1, 0, -1], [1, 0, -1]], atol=1e-5)
    np.testing.assert_array_equal(found[4:], 0)


def test_dropout_of_lstm_heads_is_of_training_alone():
    settings = config("raw_lstm", dropout=0.5)
    inputs = {"layers": (LAYERS[0],), "mask": MASK, "row": np.arange(3)}
    head = build_head(settings, 5)
    variables = random_variables(head, inputs, spread=0.5)
    still = head.apply(variables, inputs)["logits"]
    dropped = head.apply(variables, inputs, deterministic=False, rngs={"dropout": jax.random.key(1)})["logits"]
    assert np.abs(still - dropped).max() > 1e-3


def test_every_kind_has_a_module():
    for kind in (*typing.get_args(PooledHead), *typing.get_args(RecurrentHead)):
        assert build_head(config(kind), 3).num_classes == 3
    with pytest.raises(ConfigError, match="avg_mlp or"):
        HeadConfig(kind="best")
