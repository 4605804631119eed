"""What the star encoder is shown: pictures and numbers of order one, finite whatever the star; brightness only if asked."""

import dataclasses

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.base_star import BaseStar
from lcjax.models.star_encoder import BRIGHTNESS, CENTRE, SCALE, StarEncoder, candidate_numbers, folded_channels
from lcjax.models.star_encoder_config import StarDecoderConfig, StarEncoderConfig
from lcjax.transforms.band_views import BAND_NUMBERS, BandViews
from lcjax.transforms.folding import FoldedCurves
from lcjax.transforms.views import SCALARS
from tests.models.weights import random_variables
from tests.systems.base_encoder.small import LENGTH, Stars, small
from tests.systems.base_encoder.small import views as views_by_preset


def views(change=lambda batch: batch):
    batch = {n: Stars(length=LENGTH).batch(1, 0)[n] for n in ("time", "magnitude", "magnitude_error", "mask")}
    return views_by_preset()(change(batch))


def test_inputs_are_of_order_one_and_do_not_know_the_unit_of_the_spread():
    one, wide = (
        views(),
        views(lambda b: {**b, "magnitude": 10 * b["magnitude"], "magnitude_error": 10 * b["magnitude_error"]}),
    )
    pictures = np.asarray(folded_channels(one))
    assert pictures.shape == (8, 4, 8, 4) and np.abs(pictures).max() <= 6.0
    np.testing.assert_allclose(pictures, folded_channels(wide), atol=0.02)
    numbers = np.asarray(candidate_numbers(one))
    assert numbers.shape == (8, 2, 6) and np.isfinite(numbers).all() and set(np.unique(numbers[..., 5])) <= {0.0, 1.0}
    assert len(CENTRE) == len(SCALE) == len(SCALARS)


def test_stars_of_nothing_give_finite_embeddings():
    encoder = small().model.encoder
    network = StarEncoder(encoder)
    variables = random_variables(network, {"views": views()})
    embed = jax.jit(lambda views: network.apply(variables, {"views": views})["embedding"])
    for change in (
        lambda b: {**b, "mask": np.zeros_like(b["mask"])},
        lambda b: {**b, "mask": b["mask"] & (np.arange(LENGTH) < 1)},
        lambda b: {**b, "magnitude": np.full_like(b["magnitude"], 15.0)},
    ):
        assert np.isfinite(embed(views(change))).all()


def test_brightness_enters_only_where_it_is_asked_for():
    some = views()
    brighter = some._replace(scalars=some.scalars.at[:, BRIGHTNESS].add(-3.0))
    for asked in (False, True):
        network = StarEncoder(dataclasses.replace(small().model.encoder, brightness=asked))
        variables = random_variables(network, {"views": some})
        embed = jax.jit(lambda views: network.apply(variables, {"views": views})["embedding"])
        one, two = embed(some), embed(brighter)
        assert (np.abs(np.asarray(one) - np.asarray(two)).max() > 1e-3) == asked


def test_encoder_and_decoder_share_what_they_are_told():
    model = BaseStar(small().model.encoder, small().model.decoder)
    assert model.encoder.candidates == 2 and model.decoder.days == (3.0,)
    with pytest.raises(ConfigError, match="'width' is 0"):
        StarEncoderConfig(width=0)
    with pytest.raises(ConfigError, match="'days'"):
        StarDecoderConfig(days=(-1.0,))


def in_bands(there):
    """The same views with bands that have points in the slots of `there` (B, S)."""
    rng, some = np.random.default_rng(0), views()
    there = np.asarray(there, np.float32)
    shape = (*some.folded.mean.shape[:3], there.shape[1], some.folded.mean.shape[3])
    mask = there[:, None, None, :, None]
    folded = FoldedCurves(*(np.float32(rng.uniform(0.1, 1, shape) * mask) for _ in range(3)))
    numbers = np.float32(rng.normal(size=(*there.shape, len(BAND_NUMBERS))) * there[..., None])
    numbers[..., 0] = there
    return some._replace(bands=BandViews(folded, numbers))


def test_one_band_has_the_embedding_that_the_weights_give_it_without_bands():
    """Of a star without bands, of one in a single slot; of two bands it is another."""
    encoder = small().model.encoder
    several = StarEncoder(dataclasses.replace(encoder, bands=3))
    both = in_bands(np.tile([[1, 0, 1], [0, 1, 0]], (4, 1)))
    variables = random_variables(several, {"views": both})
    found = np.asarray(several.apply(variables, {"views": both})["embedding"])
    without = {"params": {name: part for name, part in variables["params"].items() if name != "bands"}}
    one = np.asarray(StarEncoder(encoder).apply(without, {"views": views()})["embedding"])
    np.testing.assert_array_equal(several.apply(variables, {"views": views()})["embedding"], one)
    np.testing.assert_array_equal(found[1::2], one[1::2])
    assert np.abs(found[::2] - one[::2]).max(axis=1).min() > 1e-4
