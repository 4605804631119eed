"""Eclipsing binaries: geometry with known answers, and what their classes are."""

import numpy as np
import pytest

from data_pipelines.simulate.binaries import BINARIES, SHALLOWEST, Binary, draw_binary, overlap, roche_radius

PHASE = np.linspace(0, 1, 400, endpoint=False)


def test_areas_of_lenses():
    """Two unit discs a radius apart share 2 pi / 3 - sqrt(3) / 2; the smaller is inside, or they do not touch."""
    assert overlap(np.array(1.0), 1.0, np.array([1.0])) == pytest.approx(2 * np.pi / 3 - np.sqrt(3) / 2)
    assert overlap(np.array(0.3), 1.0, np.array([0.0, 0.69, 1.31, 5.0])) == pytest.approx(
        [0.09 * np.pi, 0.09 * np.pi, 0, 0]
    )


def test_equal_stars_edge_on_lose_half_of_the_light():
    """And nothing outside of the eclipses but the tides; both eclipses are alike and last as long as the radii say."""
    star = Binary(10.0, (0.05, 0.05), np.pi / 2, 1.0, (6000.0, 6000.0))
    curve = star.magnitude(PHASE, 551.0)
    assert curve[0] == pytest.approx(2.5 * np.log10(2), abs=0.01) and curve[0] == pytest.approx(curve[200], abs=1e-6)
    assert abs(curve[100]) < 0.01
    half = np.arcsin(0.1) / (2 * np.pi)
    inside = np.abs((PHASE + 0.5) % 1 - 0.5) < half
    assert np.all(curve[inside] > np.median(curve)) and np.all(curve[~inside][:80] < 0.01)


def test_the_hotter_star_is_eclipsed_deeper_and_more_so_in_the_blue():
    star = Binary(2.0, (0.2, 0.2), np.radians(88), 0.8, (9000.0, 5000.0))
    blue, red = star.magnitude(PHASE, 367.0), star.magnitude(PHASE, 869.0)
    assert blue[0] > red[0] > red[200] > blue[200] > 0


def test_a_planet_sized_star_hides_its_area():
    """Limb darkening makes the middle deeper than the area, and tells by the colour."""
    star = Binary(20.0, (0.05, 0.005), np.pi / 2, 1e-4, (6000.0, 100.0))
    depth = star.magnitude(np.zeros(1), 622.0)[0]
    assert 0.01 * 1.0857 < depth < 0.0145
    assert star.magnitude(np.zeros(1), 400.0)[0] > depth


def test_an_eccentric_orbit_moves_the_second_eclipse():
    round_, long = (Binary(8.0, (0.05, 0.05), np.pi / 2, 1.0, (6000.0, 6000.0), e, 0.0) for e in (0.0, 0.3))
    second = lambda star: PHASE[100 + np.argmax(star.magnitude(PHASE, 551.0)[100:-20])]
    assert second(round_) == pytest.approx(0.5, abs=0.005)
    # Sterne 1939: 2 e cos(omega) / pi to first order.
    assert second(long) - 0.5 == pytest.approx(2 * 0.3 / np.pi, abs=0.02)
    assert long.magnitude(np.zeros(1), 551.0)[0] > 0.7


@pytest.mark.parametrize("name", BINARIES)
def test_classes(name):
    """Deep enough; flat between the eclipses (EA), round with unequal minima (EB), round with nearly equal ones (EW)."""
    rng = np.random.default_rng(3)
    drawn = [draw_binary(rng, name, 6500.0) for _ in range(60)]
    curves = np.array([star.magnitude(PHASE, 622.2) for star in drawn])
    assert np.all(np.isfinite(curves)) and np.mean(np.ptp(curves, axis=1) >= SHALLOWEST) > 0.95
    middle = np.median(curves, axis=1)
    flat = (middle - curves.min(1)) / np.ptp(curves, axis=1)
    near = np.abs(PHASE - 0.5) < 0.25
    minima = (curves[:, near].max(1) - middle) / (curves[:, ~near].max(1) - middle)
    assert {"EA": np.median(flat) < 0.06, "EB": np.median(flat) > 0.05, "EW": np.median(flat) > 0.15}[name]
    assert {"EA": np.ptp(minima) > 0.6, "EB": np.median(minima) < 0.6, "EW": np.median(minima) > 0.7}[name]
    periods = [star.period for star in drawn]
    assert {"EA": 0.35, "EB": 0.28, "EW": 0.2}[name] <= min(periods) and max(periods) < {
        "EA": 60,
        "EB": 12,
        "EW": 1.01,
    }[name]


def test_roche_lobes_of_both_stars_touch():
    for ratio in (0.1, 0.5, 1.0):
        assert 0.7 < roche_radius(ratio) + roche_radius(1 / ratio) < 0.82
