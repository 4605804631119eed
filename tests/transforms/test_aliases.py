"""Where aliases of a frequency are."""

import jax.numpy as jnp
import numpy as np

from lcjax.transforms.aliases import DAY, YEAR, aliases, known_offsets, offsets
from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.log_bins import LogBins

GRID = FrequencyGrid(highest=16.0, lowest=0.003, span=800.0, bins=96)


def test_known_offsets():
    """Solar and sidereal days, two of them, years and months, both signs, never 0."""
    found = known_offsets()
    for expected in (1.0, DAY, 2.0, 2 * DAY, YEAR, 2 * YEAR, DAY + YEAR, 1 / 29.530589):
        assert np.abs(found - expected).min() < 2e-6 and np.abs(found + expected).min() < 2e-6
    assert np.abs(found).min() > 0.002 and len(found) == 26


def test_own_window_and_mirrors():
    """A satellite that turns every 2.13 h; a sum below 0 is mirrored."""
    frequency = GRID.place(np.sqrt(GRID.edges[:-1] * GRID.edges[1:]))
    turn = np.searchsorted(GRID.edges, 11.27) - 1
    power = np.full(96, 0.01, np.float32)
    power[turn] = 0.6
    power[:4] = 0.9  # the span itself
    by = offsets(LogBins(power, frequency), jnp.float32(700.0), GRID, 1)
    value = np.asarray(GRID.value(by))
    assert len(value) == 28 and abs(value[26] - 11.27) < 0.5 and value[27] == -value[26]
    found = np.asarray(GRID.value(aliases(GRID.place(np.array([0.7, 3.2])), by))).reshape(2, -1)
    np.testing.assert_allclose(found, np.abs(np.array([[0.7], [3.2]]) + value), atol=1e-5)
