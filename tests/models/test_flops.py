"""The closed-form operation count against XLA's, where XLA can be trusted (no loops), or against the traced products."""

import dataclasses
import math

import jax
import jax.extend
import pytest

from lcjax.models import Astromer, AstromerModelConfig
from lcjax.models.flops import astromer_train_flops, positional_train_flops
from lcjax.models.positional_config import VARIANTS, PositionalStudyConfig
from lcjax.models.positional_study import PositionalStudy
from lcjax.systems.astromer.presets import SURVEY_MODEL
from tests.models.test_astromer import a_batch


@pytest.mark.parametrize(
    "config", [AstromerModelConfig(num_layers=2, width=64, ffn_width=128), SURVEY_MODEL], ids=["published", "survey"]
)
def test_a_third_of_the_training_count_is_the_forward_pass(config):
    rows, length = 4, 64
    model = Astromer(config)
    variables = jax.eval_shape(model.init, jax.random.key(0), a_batch(rows, length))
    cost = jax.jit(lambda v, b: model.apply(v, b)["reconstruction"]).lower(variables, a_batch(rows, length)).compile()
    analysis = cost.cost_analysis()
    analysis = analysis[0] if isinstance(analysis, list) else analysis
    # XLA also counts softmax, norms and activations, which are no matrix products.
    assert 0.7 < astromer_train_flops(config, rows, length) / 3 / analysis["flops"] < 1.05


def test_doubling_rows_doubles_and_longer_windows_grow_faster():
    config = AstromerModelConfig()
    one = astromer_train_flops(config, 1, 200)
    assert astromer_train_flops(config, 2, 200) == pytest.approx(2 * one)
    assert astromer_train_flops(config, 1, 400) > 2 * one


def products(jaxpr):
    """Operations of the matrix products in a traced program, loops counted as often as they run."""
    total = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            contracted = equation.params["dimension_numbers"][0][0]
            inner = math.prod(equation.invars[0].aval.shape[i] for i in contracted)
            total += 2.0 * inner * math.prod(equation.outvars[0].aval.shape)
        for inner in jax.extend.core.jaxprs_in_params(equation.params):
            total += equation.params.get("length", 1) * products(inner)
    return total


@pytest.mark.parametrize("positional", VARIANTS)
def test_the_count_of_the_positional_study_is_that_of_its_products(positional):
    config = PositionalStudyConfig(3, 2, 16, 24, positional=positional, hidden=10, harmonics=5)
    model, batch = PositionalStudy(config, longest=12), a_batch(4, 9)
    variables = jax.eval_shape(model.init, jax.random.key(0), batch)
    traced = jax.make_jaxpr(lambda v: model.apply(v, batch)["reconstruction"])(variables)
    assert 3 * products(traced.jaxpr) == positional_train_flops(config, 4, 9, 12)
    wide = dataclasses.replace(config, predict_variance=True)
    assert positional_train_flops(wide, 4, 9, 12) - positional_train_flops(config, 4, 9, 12) == 6.0 * 36 * 16
