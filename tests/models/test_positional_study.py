"""Variants of the positional study that no file records, and invariants of all."""

import dataclasses

import jax
import numpy as np
import pytest

from lcjax.models.positional_study import PositionalStudyConfig, PositionalStudyEncoder, initial_frequencies
from lcjax.transforms import encode_time
from tests.models.weights import random_variables

SMALL = PositionalStudyConfig(num_heads=2, width=8, ffn_width=12, hidden=10, harmonics=4)


def a_batch():
    rng = np.random.default_rng(0)
    return {
        "time": np.sort(rng.uniform(-200, 200, (2, 7))).astype(np.float32),
        "magnitude": rng.normal(size=(2, 7)).astype(np.float32),
        "mask": np.ones((2, 7), bool),
        "visible": rng.random((2, 7)) < 0.7,
    }


@pytest.mark.parametrize("encoding", ["sinusoid", "mlp", "recurrent", "modulation", "none"])
@pytest.mark.parametrize("joined", ["sum", "concatenate", "output"])
def test_every_combination_runs(encoding, joined):
    model = PositionalStudyEncoder(dataclasses.replace(SMALL, encoding=encoding, joined=joined))
    variables = jax.eval_shape(model.init, jax.random.key(0), a_batch())
    out = jax.eval_shape(model.apply, variables, a_batch())
    assert out["hidden"].shape == out["encoding"].shape == (2, 7, 8)


def test_pea_adds_the_encoding_after_an_encoder_that_knows_no_time():
    batch = a_batch()
    model = PositionalStudyEncoder(dataclasses.replace(SMALL, joined="output"))
    blind = PositionalStudyEncoder(dataclasses.replace(SMALL, encoding="none"))
    variables = random_variables(model, batch)
    with_time, without = (jax.jit(m.apply)(variables, batch)["hidden"] for m in (model, blind))
    difference = with_time - without
    np.testing.assert_allclose(difference, encode_time(batch["time"], initial_frequencies(SMALL)), atol=1e-5)


def test_concatenation_embeds_encoding_and_magnitude_together():
    model = PositionalStudyEncoder(dataclasses.replace(SMALL, joined="concatenate"))
    params = jax.eval_shape(model.init, jax.random.key(0), a_batch())["params"]
    assert params["join"]["kernel"].shape == (9, 8)


def test_trainable_frequencies_start_as_the_fixed_ones_and_receive_gradients():
    batch = a_batch()
    model = PositionalStudyEncoder(dataclasses.replace(SMALL, trainable=True))
    variables = jax.jit(model.init)(jax.random.key(0), batch)
    np.testing.assert_array_equal(variables["params"]["frequencies"], initial_frequencies(SMALL))
    # The sum of a normalised layer is constant: weigh its channels.
    gradient = jax.jit(jax.grad(lambda v: (model.apply(v, batch)["hidden"] ** 3).sum()))(variables)
    assert np.all(np.asarray(gradient["params"]["frequencies"]) != 0)
