import numpy as np
import pytest

from data_pipelines.simulate.glints import GlintSettings, glint_train, inject_glints
from data_pipelines.simulate.point_sources import PointSource, measure_fwhm, noise_of, peak_flux, profile, render
from data_pipelines.simulate.stamp_classes import CLASS_NAMES, StampSimulator, quiet
from lcjax.errors import DataError


def field(seed=0, side=63, fwhm=2.4, alert=True):
    """A made-up triplet with stars, an alert at the centre and missing pixels."""
    rng = np.random.default_rng(seed)
    stars = [PointSource(*rng.uniform(5, side - 5, 2), float(f)) for f in rng.uniform(2000, 20000, 6)]
    sky = render((side, side), stars, fwhm)
    new = render((side, side), [PointSource(side // 2, side // 2, 3000.0)], fwhm) * alert
    stamps = np.stack([100 + sky + new, 50 + sky, new], -1) + rng.normal(0, 10, (side, side, 3))
    stamps[:3] = np.nan
    return stamps.astype(np.float32)


def test_profiles_hold_their_flux_and_width():
    for fwhm in (1.8, 3.0):
        image = profile((61, 61), 30.0, 30.0, fwhm)
        assert 0.97 < image.sum() < 1.001
        assert image[30, 30] > image[30, 30 + round(fwhm)] * 2
    shifted = profile((61, 61), 20.0, 35.0, 2.0)
    assert np.unravel_index(shifted.argmax(), shifted.shape) == (35, 20)
    flux = peak_flux(20.0, 10.0, 2.4)
    template = profile((31, 31), 15.0, 15.0, 2.4)
    np.testing.assert_allclose(flux * np.sqrt((template**2).sum()) / 10.0, 20.0)


@pytest.mark.parametrize("fwhm", [1.8, 2.5, 4.0])
def test_sharpness_is_measured_from_stars(fwhm):
    assert measure_fwhm(field(fwhm=fwhm)[..., 0]) == pytest.approx(fwhm, rel=0.3)
    assert measure_fwhm(np.full((63, 63), np.nan)) == measure_fwhm(np.zeros((63, 63)), 2.1)


def test_glints_lie_evenly_on_a_line_through_the_centre():
    plain = GlintSettings(faces=1, phase_spread=0.0, jitter=0.0, ends=0.0, spacing=(7.0, 7.0))
    for seed in range(5):
        train = glint_train(np.random.default_rng(seed), (63, 63), 1000.0, plain)
        at = np.array([(p.x, p.y) for p in train])
        np.testing.assert_allclose(at[0], 31.0)
        along = (at - at[0]) @ np.array([np.cos(train[0].angle), np.sin(train[0].angle)])
        np.testing.assert_allclose(np.diff(np.sort(along)), 7.0, atol=1e-6)
        across = (at - at[0]) @ np.array([-np.sin(train[0].angle), np.cos(train[0].angle)])
        np.testing.assert_allclose(across, 0, atol=1e-6)
        assert len(train) >= 8


def test_trains_have_two_flashes_or_more_and_are_repeatable():
    draw = lambda: [glint_train(np.random.default_rng(s), (63, 63), 500.0) for s in range(60)]
    assert min(map(len, draw())) >= 2 and draw() == draw()
    assert all(p.flux > 0 for train in draw() for p in train)


def test_satellites_touch_science_and_difference_alike_and_never_the_template():
    stamps = field(3)
    before = stamps.copy()
    out, train = inject_glints(np.random.default_rng(1), stamps, 2.4, noise_of(stamps[..., 2]))
    np.testing.assert_array_equal(stamps, before)
    np.testing.assert_array_equal(out[..., 1], stamps[..., 1])
    added = (out - stamps)[3:]
    np.testing.assert_allclose(added[..., 0], added[..., 2], atol=0.02)
    light = render((63, 63), train, 2.4)[3:].sum()
    assert added[..., 2].sum() == pytest.approx(light, rel=0.1, abs=60)
    assert np.isnan(out[:3]).all()


def test_quiet_stamps_have_no_alert_and_an_empty_centre():
    for seed in range(3):
        background = quiet(field(seed), np.random.default_rng(seed))
        assert background.stamps.shape == (63, 63, 3) and 1.4 <= background.fwhm <= 6
        assert background.noise == pytest.approx(10, rel=0.25)
        centre = background.stamps[28:35, 28:35]
        assert np.nanmax(np.abs(centre[..., 2])) < 60
        assert np.nanmax(np.abs(centre[..., 1] - 50)) < 60
        assert np.nanmax(background.stamps[..., 2]) < 120, "the alert is still there"
    with pytest.raises(DataError, match="30 x 30"):
        quiet(field(0, side=30), np.random.default_rng(0))


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_every_class_changes_the_centre_of_the_difference(name):
    simulator = StampSimulator()
    seen = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        made = simulator.make(rng, quiet(field(seed % 3), rng), name)
        assert made.shape == (63, 63, 3) and made.dtype == np.float32
        seen.append(np.nanmax(np.abs(made[26:37, 26:37, 2])) / 10)
    assert np.median(seen) > 5
    twice = [
        simulator.make(np.random.default_rng(5), quiet(field(0), np.random.default_rng(5)), name) for _ in range(2)
    ]
    np.testing.assert_array_equal(*twice)


def test_unknown_classes_are_refused():
    with pytest.raises(KeyError):
        StampSimulator().make(np.random.default_rng(0), quiet(field(0), np.random.default_rng(0)), "comet")
