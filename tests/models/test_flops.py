"""The closed-form operation count against XLA's, where XLA can be trusted (no loops)."""

import jax
import pytest

from lcjax.models import Astromer, AstromerModelConfig
from lcjax.models.flops import astromer_train_flops
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
