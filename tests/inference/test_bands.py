"""A star by all its bands: the mean of its bands, each as heavy as it has points; in order, whatever stands between."""

import numpy as np
import pytest

from lcjax.errors import ConfigError, Rejection
from lcjax.inference.bands import bands_wanted, check_level, predicted
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.inference.output import BandOptions
from tests.inference.models import experiment, light_curve, untrained


@pytest.fixture(scope="module")
def predictor():
    settings = experiment()
    return LightCurvePredictor.of(Loaded(settings, *untrained(settings)), 4)


def curve(points, seed, name, band):
    found = light_curve(points, seed, name)
    found.band = band
    return found


def test_bands_are_averaged_by_their_points_and_order_is_kept(predictor):
    a, b, c, d = (curve(n, i, name, band) for i, (n, name, band) in enumerate(
        [(30, "s", "g"), (90, "s", "r"), (12, "s", "i"), (40, "t", "r")]))  # fmt: skip
    bad = Rejection("x", "too few points", "there")
    alone = {id(one.light_curve): one for one in predictor.predict([a, b, c, d])}
    first, passed, second, third = predicted(predictor, [(a, b, c), bad, (d,), d])
    assert passed is bad
    assert (first.light_curve.object_id, first.light_curve.band, first.n_points) == ("s", "g+r+i", 132)
    shares = np.array([30, 90, 12]) / 132
    expected = sum(s * alone[id(x)].outputs["embedding"].astype(float) for s, x in zip(shares, (a, b, c), strict=True))
    np.testing.assert_allclose(first.outputs["embedding"], expected, rtol=1e-6)
    for one in (second, third):
        assert one.light_curve.band == "r" and one.n_points == 40
        np.testing.assert_array_equal(one.outputs["embedding"], alone[id(d)].outputs["embedding"])


def test_what_is_asked_of_the_reader_and_refused():
    assert bands_wanted({}) == bands_wanted({"bands": BandOptions()}) == {}
    assert bands_wanted({"bands": BandOptions(pool=True)}) == {"bands_together": True}
    assert bands_wanted({"bands": BandOptions(only=("g",))}, together=True) == {"bands_together": True, "bands": ("g",)}
    with pytest.raises(ConfigError, match=r"leave --bands\.pool out"):
        bands_wanted({"bands": BandOptions(pool=True)}, together=True)
    check_level("star"), check_level("layer")
    with pytest.raises(ConfigError, match=r"--output.level window several: leave one of them out"):
        check_level("window")
