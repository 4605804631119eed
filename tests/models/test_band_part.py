"""What tells bands apart: nothing of one band, nothing of empty slots, something of two."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models.band_part import BandPart, band_channels
from lcjax.transforms.band_views import BAND_NUMBERS, BandViews
from lcjax.transforms.folding import FoldedCurves

STARS, SLOTS, CANDIDATES, BINS = 3, 4, 2, 8


@pytest.fixture(scope="module")
def bands():
    """A star of two bands, of one, and of three."""
    rng = np.random.default_rng(0)
    there = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 1]], np.float32)
    shape = (STARS, CANDIDATES, 2, SLOTS, BINS)
    mask = there[:, None, None, :, None]
    parts = [rng.normal(size=shape) * mask, rng.uniform(0.1, 1, shape) * mask, rng.integers(1, 5, shape) * mask]
    numbers = rng.normal(size=(STARS, SLOTS, len(BAND_NUMBERS))) * there[..., None]
    numbers[..., 0] = there
    return BandViews(FoldedCurves(*(jnp.asarray(p, jnp.float32) for p in parts)), jnp.asarray(numbers, jnp.float32))


@pytest.fixture(scope="module")
def model(bands):
    part = BandPart(4, 6)
    variables = jax.jit(part.init)(jax.random.key(0), bands, jnp.ones(STARS))
    return jax.jit(lambda some, spread: part.apply(variables, some, spread)), variables


def test_one_band_adds_nothing_and_two_do(bands, model):
    found = model[0](bands, jnp.ones(STARS))
    assert found.shape == (STARS, 6) and np.abs(found[0]).max() > 1e-3 and np.abs(found[2]).max() > 1e-3
    np.testing.assert_array_equal(found[1], 0.0)


def test_empty_slots_are_not_looked_at(bands, model):
    empty = bands.numbers[..., 0] == 0
    filled = bands._replace(
        numbers=jnp.where(empty[..., None], 5.0, bands.numbers).at[..., 0].set(bands.numbers[..., 0]),
        folded=FoldedCurves(*(jnp.where(empty[:, None, None, :, None], 3.0, part) for part in bands.folded)),
    )
    np.testing.assert_array_equal(model[0](bands, jnp.ones(STARS)), model[0](filled, jnp.ones(STARS)))


def test_which_band_it_is_matters(bands, model):
    """The same curves in other slots, or a colour the other way round."""
    swapped = BandViews(FoldedCurves(*(part[:, :, :, ::-1] for part in bands.folded)), bands.numbers[:, ::-1])
    colour = BAND_NUMBERS.index("colour: mean less the mean of all bands (mag)")
    redder = bands._replace(numbers=bands.numbers.at[..., colour].multiply(-1.0))
    one = model[0](bands, jnp.ones(STARS))
    for other in (swapped, redder):
        assert np.abs(one - model[0](other, jnp.ones(STARS)))[jnp.array([0, 2])].max(axis=1).min() > 1e-4


def test_curves_are_counted_in_spreads(bands):
    """Twice the amplitude of a star of twice the spread is the same picture; each band keeps its own."""
    larger = bands._replace(folded=bands.folded._replace(mean=2 * bands.folded.mean, error=2 * bands.folded.error))
    one, two = band_channels(bands, jnp.full(STARS, 0.5)), band_channels(larger, jnp.ones(STARS))
    np.testing.assert_allclose(one, two, atol=1e-6)
    assert one.shape == (STARS, SLOTS, CANDIDATES * 2 * 4, BINS)
    np.testing.assert_allclose(one[0, 1, 0], jnp.clip(bands.folded.mean[0, 0, 0, 1] / 0.5, -8, 8), rtol=1e-6)
    assert not np.asarray(one[1, [0, 1, 3]]).any()
