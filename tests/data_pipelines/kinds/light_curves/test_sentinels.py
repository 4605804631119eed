"""Fill values of a size that a star could have."""

import numpy as np

from data_pipelines.kinds.light_curves.sentinels import filled_fluxes, filled_magnitudes

STAR = np.random.default_rng(0).normal(15, 0.3, 30)


def test_magnitudes():
    for value in (0.0, 30.0, 20.0, -9.0):
        filled = np.where(np.arange(30) % 10 == 0, value, STAR)
        assert filled_magnitudes(filled).tolist() == (filled == value).tolist()
    assert not filled_magnitudes(np.where(np.arange(30) == 3, 30.0, STAR)).any()  # once: an outlier of its own right
    assert not filled_magnitudes(np.where(np.arange(30) % 10 == 0, 16.0, STAR)).any()  # where the star is
    assert not filled_magnitudes(np.rint(STAR)).any() and not filled_magnitudes(np.array([])).any()


def test_fluxes():
    flux = STAR * 10 - 150
    filled = np.where(np.arange(30) % 10 == 0, -999.0, flux)
    assert filled_fluxes(filled).sum() == 3 and not filled_fluxes(flux).any()
    assert not filled_fluxes(np.where(np.arange(30) == 3, -999.0, flux)).any()
    counts = np.where(np.arange(30) % 10 == 0, -99.0, np.rint(flux))
    assert not filled_fluxes(counts).any()  # of counts -99 is one
