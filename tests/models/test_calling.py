"""Every module is called alike: a dict of arrays in, named outputs out, the axis of the rows named by the caller."""

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models import Astromer, Delight, MultiscaleClassifier, PositionalStudyEncoder, StampClassifier
from lcjax.models.astromer_config import AstromerModelConfig
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.heads import ClassifierHead
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.positional_config import PositionalStudyConfig
from lcjax.models.stamp_classifier_config import StampModelConfig
from tests.models.weights import random_variables

RNG = np.random.default_rng(0)
ROWS = 6


def draw(*shape):
    return RNG.normal(size=(ROWS, *shape)).astype(np.float32)


WINDOWS = {"time": draw(7), "magnitude": draw(7), "mask": np.ones((ROWS, 7), bool)}
SMALL = dict(num_heads=2, width=8, ffn_width=8)
STAMPS = StampModelConfig(
    kernels=(3,), filters=(4,), pool_after=(1,), trunk=(6,), head=(5,), image_size=5, num_features=3
)
LEVELS = MultiscaleModelConfig(
    kernels=(3,), filters=(4,), pool_after=(), dense=5, dropout=0.5, image_size=4, num_levels=2
)
FIELD = DelightModelConfig(side=18, levels=2, filters=(2, 3, 3), hidden=8, dropout=0.5)
CASES = {
    "astromer": (Astromer(AstromerModelConfig(num_layers=1, dropout=0.5, **SMALL)), WINDOWS),
    "positional": (PositionalStudyEncoder(PositionalStudyConfig(num_layers=1, **SMALL)), WINDOWS),
    "head": (ClassifierHead(3), {"layers": [draw(7, 8), draw(7, 8)], "mask": WINDOWS["mask"]}),
    "stamps": (StampClassifier(STAMPS), {"images": draw(5, 5, 3), "features": draw(3)}),
    "multiscale": (MultiscaleClassifier(LEVELS), {"levels": draw(2, 4, 4, 6), "features": draw(3)}),
    "delight": (Delight(FIELD), {"levels": draw(18, 18, 2)}),
}
RANDOM = ["astromer", "stamps", "multiscale", "delight"]


def one_output(outputs):
    return next(outputs[name] for name in ("logits", "embedding", "hidden", "offset") if name in outputs)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    model, batch = CASES[request.param]
    return request.param, model, random_variables(model, batch), batch


def test_predictions_run_under_any_mapped_axis(case):
    """Without randomness or batch statistics no row needs a number, so that no axis needs a name."""
    _, model, variables, batch = case
    run = lambda b: one_output(model.apply(variables, b))
    split = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), batch)
    whole, parts = jax.jit(run)(batch), jax.vmap(run, axis_name="anything")(split)
    np.testing.assert_allclose(parts.reshape(whole.shape), whole, rtol=1e-4, atol=1e-5)


def test_training_does_not_depend_on_how_rows_are_spread(case):
    name, model, variables, batch = case
    rngs = {"dropout": jax.random.key(1)}

    def run(b, axis=None):
        outputs, _ = model.apply(variables, b, deterministic=False, axis=axis, rngs=rngs, mutable=["batch_stats"])
        return one_output(outputs)

    split = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), batch)
    whole = jax.jit(run)(batch)
    parts = jax.vmap(lambda b: run(b, "rows"), axis_name="rows")(split)
    np.testing.assert_allclose(parts.reshape(whole.shape), whole, rtol=1e-4, atol=1e-5)
    if name in RANDOM:
        with pytest.raises(ConfigError, match=r"axis='rows', or axis=\(\)"):
            jax.vmap(run, axis_name="rows")(split)
        local = jax.vmap(lambda b: run(b, ()), axis_name="rows")(split)
        assert np.abs(local[1] - parts[1]).max() > 1e-4, (
            "on purpose local: the second part repeats the first one's rows"
        )


@pytest.mark.parametrize("name", ["astromer", "stamps", "multiscale", "delight"])
def test_arrays_of_another_shape_are_refused_at_the_door(name):
    model, batch = CASES[name]
    wrong = {key: x[..., :-1] if x.dtype != bool else x for key, x in batch.items()}
    with pytest.raises(AssertionError, match="Chex"):
        jax.eval_shape(model.init, jax.random.key(0), wrong)
