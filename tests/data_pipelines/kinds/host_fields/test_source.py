import numpy as np
import pytest

from data_pipelines.kinds.host_fields import source_mask
from data_pipelines.kinds.host_fields.source_mask import DetectionSettings, detect_sources
from data_pipelines.kinds.host_fields.stack import block_median_planes, examine_field, masked_stack
from data_pipelines.simulate.host_fields import FieldSettings, Galaxy, simulate_host_field, simulate_host_fields
from lcjax.errors import ConfigError, DataError, MissingExtraError

SMALL = FieldSettings(image_size=128, pixel_scale=0.5)


def test_a_field_is_a_function_of_seed_and_number():
    one, two = (list(simulate_host_fields(3, seed, SMALL)) for seed in (5, 6))
    again = simulate_host_field(2, 5, SMALL)
    np.testing.assert_array_equal(one[2].image, again.image)
    assert np.abs(one[2].image - two[2].image).max() > 1 and again.image.dtype == np.float32
    assert [f.field_id for f in simulate_host_fields(2, 5, SMALL, first=1)] == [f.field_id for f in one[1:]]


def test_hosts_are_where_the_truth_says():
    """Without stars, neighbours and noise the light-weighted middle is the host."""
    rng = np.random.default_rng(0)
    from data_pipelines.simulate import host_fields

    settings = FieldSettings(noise=1e-3)
    galaxy = Galaxy(x=6.0, y=-9.0, half_light=3.0, axis_ratio=0.6, angle=0.7, index=1.0, magnitude=17.0)
    light = np.zeros((480, 480), np.float32)
    host_fields._add_galaxy(rng, light, galaxy, settings)
    y, x = np.mgrid[:480, :480] - 239.5
    total = light.sum()
    assert (x * light).sum() / total == pytest.approx(24.0, abs=0.05)
    assert (y * light).sum() / total == pytest.approx(-36.0, abs=0.05)
    assert total == pytest.approx(host_fields._counts(17.0, settings.noise, settings.seeing), rel=0.03)


def test_the_population():
    fields = list(simulate_host_fields(150, 1, FieldSettings(image_size=64, pixel_scale=2.0)))
    offset = np.array([np.hypot(*f.offset) * f.pixel_scale for f in fields])
    radius = np.array([f.host_radius for f in fields])
    without = np.array([f.hostless for f in fields])
    np.testing.assert_array_equal(np.isnan(radius), without)
    np.testing.assert_array_equal(np.isnan(offset), without)
    assert 0.04 < without.mean() < 0.2
    assert 0.5 < np.nanmedian(offset) < 4 and 0.1 < np.mean(radius[~without] > 10) < 0.5
    assert all(np.isfinite(f.image).all() and f.image.shape == (64, 64) for f in fields)


def test_brightness_at_the_edge():
    galaxy = Galaxy(0, 0, half_light=4.0, axis_ratio=1.0, angle=0, index=1.0, magnitude=18.0)
    edge = galaxy.isophote(24.5)
    assert 4 < edge < 20 and galaxy.isophote(20.0) < edge < galaxy.isophote(26.0)
    assert galaxy.isophote(10.0) == 0.0


@pytest.mark.parametrize(
    "settings", [FieldSettings(image_size=4), FieldSettings(pixel_scale=0), FieldSettings(hostless=2)]
)
def test_settings_that_make_no_sense(settings):
    with pytest.raises(ConfigError):
        list(simulate_host_fields(1, 0, settings))


def test_stacks_by_hand():
    image = np.arange(64, dtype=np.float32).reshape(8, 8)
    mask = np.zeros((8, 8), bool)
    mask[2:6, 2:7] = True
    stack = masked_stack(image, mask, 2)
    assert stack.shape == (2, 4, 4)
    scaled = np.where(mask, (image - 18) / (46 - 18), 0)
    np.testing.assert_allclose(stack[0], scaled[2:6, 2:6], rtol=1e-6)
    np.testing.assert_allclose(stack[1, 1, 1], np.median(scaled[2:4, 2:4]), rtol=1e-6)
    assert not masked_stack(image, np.zeros((8, 8), bool), 2).any()
    holes = image.copy()
    holes[0] = np.nan
    assert np.isfinite(masked_stack(holes, mask, 2)).all()
    for wrong in (image[:, :6], image[:7, :7]):
        with pytest.raises(DataError, match="square"):
            masked_stack(wrong, mask[: len(wrong), : wrong.shape[1]], 2)


def test_sources():
    pytest.importorskip("sep", reason="needs sep (extra test or hosts)")
    y, x = np.mgrid[:96, :96].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 1, (96, 96)).astype(np.float32)
    image = noise + 200 * np.exp(-0.5 * (((x - 30) / 3) ** 2 + ((y - 60) / 2) ** 2))
    found = detect_sources(image, DetectionSettings(mesh=32))
    brightest = int(np.argmax(found.sources["flux"]))
    assert found.sources["x"][brightest] == pytest.approx(30, abs=0.2) and found.mask[60, 30]
    assert not found.mask[10, 80] and found.noise == pytest.approx(1, rel=0.2)
    assert len(detect_sources(np.zeros((64, 64), np.float32))) == 0
    assert len(detect_sources(np.full((64, 64), 7.0))) == 0
    image[:20, :20] = np.nan
    assert np.isfinite(detect_sources(image).noise)
    for wrong in (np.zeros(5), np.array([["a"]]), np.zeros((2, 2, 2))):
        with pytest.raises(DataError):
            detect_sources(wrong)


def test_sep_is_an_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sep", None)
    with pytest.raises(MissingExtraError, match="hosts"):
        source_mask.detect_sources(np.zeros((8, 8)))


def test_examined_fields():
    """One call gives what its parts give, from read-only images of any memory order, float64 or with holes."""
    pytest.importorskip("sep", reason="needs sep (extra test or hosts)")
    (field,) = simulate_host_fields(1, 5, FieldSettings(image_size=240, hostless=0.0))
    image = np.asfortranarray(field.image.astype(np.float64))
    image[:5] = np.nan
    image.flags.writeable = False
    examined = examine_field(image, 5)
    found = detect_sources(image)
    for name, column in found.sources.items():
        np.testing.assert_array_equal(examined.sources[name], column)
    np.testing.assert_array_equal(examined.stack, masked_stack(image, found.mask, 5))
    whole = block_median_planes(np.nan_to_num(image).astype(np.float32), 5)
    assert whole.shape == examined.stack.shape == (5, 14, 14) and len(examined.plane_sources) == 5
    # 15 blocks of 16 pixels: the central 14 begin at the edge, as published.
    np.testing.assert_allclose(whole[4, 2, 3], np.median(np.nan_to_num(image)[32:48, 48:64]), rtol=1e-6)
    blank = examine_field(np.zeros((240, 240)), 5)
    assert not len(blank.sources["x"]) and not blank.stack.any() and blank.plane_sources == ()


def test_crowded_images_find_room():
    """More lit pixels than the first buffer holds: a second attempt has room for all."""
    sep = pytest.importorskip("sep", reason="needs sep (extra test or hosts)")
    before = sep.get_extract_pixstack()
    image = np.random.default_rng(0).normal(0, 1, (512, 512)).astype(np.float32)
    image[::2, :256] += 60
    assert len(detect_sources(image, DetectionSettings(threshold=0.5))) and sep.get_extract_pixstack() == before
