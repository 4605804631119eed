"""Class and period of an embedding; the classes are read by one linear layer, so that few labels can do the same."""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.models.recognition import Recognition


def test_classes_are_linear_in_the_embedding_and_periods_are_one_number():
    module = Recognition(3, hidden=5)
    one, two = jax.random.normal(jax.random.key(0), (2, 4, 6))
    variables = module.init(jax.random.key(1), one)
    answers = [module.apply(variables, x) for x in (one, two, (one + two) / 2)]
    assert answers[0]["log_period"].shape == (4,) and answers[0]["class_logits"].dtype == jnp.float32
    np.testing.assert_allclose(
        answers[2]["class_logits"], (answers[0]["class_logits"] + answers[1]["class_logits"]) / 2, atol=1e-5
    )
    assert not np.allclose(answers[2]["log_period"], (answers[0]["log_period"] + answers[1]["log_period"]) / 2)
