"""One variation in all bands: which model, and how colour goes with phase."""

import numpy as np
import pytest

from data_pipelines.simulate.colours import COLOURS
from data_pipelines.simulate.variation import draw_variation

TIME = np.sort(np.random.default_rng(1).uniform(60_000, 61_000, 300))


@pytest.mark.parametrize("name", COLOURS)
def test_every_class_varies_in_every_band(name):
    star = draw_variation(np.random.default_rng(2), name, {"u": TIME[::3], "r": TIME[1::3], "y": TIME[2::3]})
    assert [len(values) for values in star.delta.values()] == [100, 100, 100]
    assert all(np.all(np.isfinite(values)) and abs(np.median(values)) < 1e-9 for values in star.delta.values())
    assert set(star.look.colours) == {"u", "r", "y"}


def test_pulsators_are_bluer_when_bright_and_binaries_when_the_cool_star_is_hidden():
    """Colour g - r against brightness, at the same epochs; of a binary with a cool companion the deep minimum is red."""
    rng = np.random.default_rng(3)
    for name in ("RRab", "CEP", "DSCT"):
        star = draw_variation(rng, name, {"g": TIME, "r": TIME})
        assert np.corrcoef(star.delta["g"] - star.delta["r"], star.delta["r"])[0, 1] > 0.3, name
    for _ in range(8):
        star = draw_variation(rng, "EB", {"g": TIME, "z": TIME})
        deep = star.delta["g"] > 0.8 * star.delta["g"].max()
        assert np.mean((star.delta["g"] - star.delta["z"])[deep]) > 0


def test_amplitudes_follow_the_class():
    star = draw_variation(np.random.default_rng(4), "MIRA", {"g": TIME, "y": TIME})
    ratio = np.std(star.delta["y"]) / np.std(star.delta["g"])
    assert ratio == pytest.approx(star.look.ratios["y"] / star.look.ratios["g"], rel=0.15)
