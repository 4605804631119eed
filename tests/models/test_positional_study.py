"""The encoders of the positional study: strict by default, each told the time in its own way."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.errors import ConfigError
from lcjax.models.positional_config import VARIANTS, PositionalEncoding, PositionalStudyConfig
from lcjax.models.positional_study import (
    SHARDING_RULES,
    PositionalStudy,
    PositionalStudyEncoder,
    initial_frequencies,
)
from lcjax.transforms import encode_time
from tests.models.weights import random_variables

SMALL = PositionalStudyConfig(num_heads=2, width=8, ffn_width=12, hidden=10, harmonics=4, min_period=2.0)
LENGTH = 7
WITHOUT_TIME = ("alibi", "none")


def a_batch(seed=0):
    """Three windows, with a hole in the second and little in the third; times are multiples of 1/8 d."""
    rng = np.random.default_rng(seed)
    mask = np.arange(LENGTH) < np.array([[7], [6], [3]])
    mask[1, 2] = False
    visible = mask & (rng.random(mask.shape) < 0.6)
    visible[:, 0] = True
    return {
        "time": (np.sort(rng.integers(-800, 800, mask.shape), axis=1) / 8).astype(np.float32),
        "magnitude": rng.normal(size=mask.shape).astype(np.float32),
        "mask": mask,
        "visible": visible,
    }


@functools.cache
def network(positional, parity=False):
    """(jitted apply, weights that are nowhere zero)."""
    model = PositionalStudy(dataclasses.replace(SMALL, positional=positional, parity=parity), longest=LENGTH + 2)
    return jax.jit(model.apply), random_variables(model, a_batch())


def seen(outputs, mask):
    """All that is said about observed points and windows."""
    layers = {f"layer {i}": np.asarray(x)[mask] for i, x in enumerate(outputs["layers"])}
    return layers | {"embedding": outputs["embedding"], "reconstruction": np.asarray(outputs["reconstruction"])[mask]}


@pytest.mark.parametrize("positional", VARIANTS)
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 1000),
    change=st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4),
    filler=st.floats(width=32) | st.just(float("nan")),
)
def test_hidden_magnitudes_and_padding_change_nothing(positional, seed, change, filler):
    apply, variables = network(positional)
    batch = a_batch(seed)
    hidden, changed = batch["mask"] & ~batch["visible"], dict(batch)
    changed["magnitude"] = np.where(hidden, np.resize(np.float32(change), hidden.shape), batch["magnitude"])
    for name in ("time", "magnitude"):
        changed[name] = np.where(batch["mask"], changed[name], np.float32(filler))
    before, after = (seen(apply(variables, b), batch["mask"]) for b in (batch, changed))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


@pytest.mark.parametrize("positional", ["recurrent", "relative", "alibi", "rotary", "tupe"])
def test_longer_padding_changes_nothing(positional):
    """Nor do holes: the sequence is that of the observed points."""
    apply, variables = network(positional)
    batch = a_batch(1)
    longer = {k: np.pad(v, ((0, 0), (0, 2))) for k, v in batch.items()}
    short, padded = apply(variables, batch), apply(variables, longer)
    np.testing.assert_allclose(short["embedding"], padded["embedding"], atol=2e-5)
    cut = np.asarray(padded["reconstruction"])[:, :LENGTH]
    np.testing.assert_allclose(np.asarray(short["reconstruction"])[batch["mask"]], cut[batch["mask"]], atol=2e-5)


@pytest.mark.parametrize("positional", VARIANTS)
def test_what_a_shift_of_all_times_changes(positional):
    """Nothing where only differences count; everything elsewhere."""
    apply, variables = network(positional)
    batch = a_batch(2)
    before = apply(variables, batch)["reconstruction"]
    after = apply(variables, {**batch, "time": batch["time"] + 128})["reconstruction"]
    change = np.abs(np.asarray(after - before))[batch["mask"]].max()
    relative = positional in ("relative", "rotary", *WITHOUT_TIME)
    assert change < 1e-3 if relative else change > 1e-3
    # Other distances are seen by all that know times.
    stretched = apply(variables, {**batch, "time": batch["time"] * 1.5})["reconstruction"]
    assert (np.abs(np.asarray(stretched - before))[batch["mask"]].max() > 1e-4) == (positional not in WITHOUT_TIME)


def test_parity_does_leak_and_sees_padding():
    """The defects the switch reproduces are real: hidden points attend to everything, with its true magnitude."""
    apply, variables = network("fixed", parity=True)
    batch = a_batch(3)
    hidden = batch["mask"] & ~batch["visible"]
    before = apply(variables, batch)["reconstruction"]
    for where in (hidden, ~batch["mask"]):
        after = apply(variables, {**batch, "magnitude": batch["magnitude"] + 0.5 * where})["reconstruction"]
        assert np.abs(np.asarray(after - before))[hidden].max() > 1e-3


def test_pea_adds_the_encoding_after_an_encoder_that_knows_no_time():
    batch = a_batch()
    model, blind = (
        PositionalStudyEncoder(dataclasses.replace(SMALL, positional=p, parity=True)) for p in ("pea", "none")
    )
    variables = random_variables(model, batch)
    with_time, without = (jax.jit(m.apply)(variables, batch) for m in (model, blind))
    difference = with_time["hidden"] - without["hidden"]
    np.testing.assert_allclose(difference, encode_time(batch["time"], initial_frequencies(SMALL)), atol=1e-5)
    np.testing.assert_array_equal(with_time["layers"][-1], with_time["hidden"])


def test_trainable_frequencies_start_as_the_fixed_ones_and_receive_gradients():
    batch = a_batch()
    config = dataclasses.replace(SMALL, positional="trainable")
    model = PositionalStudyEncoder(config)
    variables = jax.jit(model.init)(jax.random.key(0), batch)
    np.testing.assert_array_equal(variables["params"]["frequencies"], initial_frequencies(config))
    # The sum of a normalised layer is constant: weigh its channels.
    gradient = jax.jit(jax.grad(lambda v: (model.apply(v, batch)["hidden"] ** 3).sum()))(variables)
    assert np.all(np.asarray(gradient["params"]["frequencies"]) != 0)


@pytest.mark.parametrize("positional", ["trainable", "rotary"])
def test_the_cadence_ratio_is_a_factor_of_time(positional):
    apply, variables = network(positional)
    batch = a_batch(4)
    ratio = PositionalStudy(dataclasses.replace(SMALL, positional=positional, cadence_ratio=0.5), longest=LENGTH + 2)
    stretched = apply(variables, {**batch, "time": batch["time"] * 0.5})["reconstruction"]
    found = jax.jit(ratio.apply)(variables, batch)["reconstruction"]
    np.testing.assert_allclose(np.asarray(found)[batch["mask"]], np.asarray(stretched)[batch["mask"]], atol=1e-4)


def test_fine_settings_combine():
    """Trained, projected recurrences of sinusoids beside the magnitude, with shared terms in attention."""
    fine = PositionalEncoding("recurrent", "log_periods", True, True, True, "concatenate", "tupe")
    model = PositionalStudy(dataclasses.replace(SMALL, positional="custom", custom=fine, predict_variance=True))
    params = jax.eval_shape(model.init, jax.random.key(0), a_batch())["params"]
    assert params["encoder"]["join"]["kernel"].shape == (9, 8) and params["head"]["kernel"].shape == (8, 2)
    assert {"frequencies", "recurrence", "projection", "position_query"} <= set(params["encoder"])


def test_windows_longer_than_the_rows_of_differences_are_refused():
    model = PositionalStudy(dataclasses.replace(SMALL, positional="relative"), longest=LENGTH - 1)
    with pytest.raises(ConfigError, match="windows of 7 points are longer than the rows of time differences"):
        jax.eval_shape(model.init, jax.random.key(0), a_batch())


def test_sharding_rules_split_attention_and_feed_forward_alone():
    model = PositionalStudy(dataclasses.replace(SMALL, positional="tupe"))
    shapes = jax.eval_shape(model.init, jax.random.key(0), a_batch())["params"]
    split = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(shapes):
        name = "/".join(key.key for key in path)
        found = [axes for pattern, axes in SHARDING_RULES if re.search(pattern, name)]
        assert len(found) <= 1 and all(len(axes) == len(leaf.shape) for axes in found), name
        split |= {name: found[0]} if found else {}
    assert len(split) == 2 * (4 + 4 + 2) and all(name.startswith("encoder/block_") for name in split)


@pytest.mark.parametrize("positional", VARIANTS)
def test_half_precision_leaves_what_is_said_in_float32(positional):
    model = PositionalStudy(dataclasses.replace(SMALL, positional=positional), dtype=jnp.bfloat16)
    batch = a_batch()
    variables = jax.eval_shape(model.init, jax.random.key(0), batch)
    outputs = jax.eval_shape(model.apply, variables, batch)
    assert outputs["reconstruction"].dtype == outputs["embedding"].dtype == jnp.float32
    assert all(layer.dtype == jnp.bfloat16 for layer in outputs["layers"])
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))
