import copy
import dataclasses
import functools
import subprocess
import sys

import jax
import jax.export
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from data_pipelines.kinds.host_fields.images import FieldImage, centred, read_field, read_fields
from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.kinds.host_fields.stack import examine_field
from data_pipelines.processes import Processes
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_fields
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.exporting import export_program
from lcjax.models.delight_config import DelightModelConfig
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import build_task
from lcjax.systems.delight.config import DelightExperiment, ImageConfig
from lcjax.systems.delight.examination import sky_of
from lcjax.systems.delight.host_rules import host_size, snap_to_source
from lcjax.systems.delight.predictor import HostPredictor
from lcjax.systems.loading import load as load_model
from lcjax.transforms.delight import stack_side
from tests.parity.recorded import files_of, load
from tests.systems.delight.delight_files import published_network, random_variables

SIZE, SCALE = 96, 1.25


def experiment(mask="none", head="offset"):
    model = DelightModelConfig(side=24, levels=3, filters=(4, 5, 6), hidden=8, head=head, unit=20.0)
    return DelightExperiment(model=model, image=ImageConfig(SIZE, SCALE, 3, mask))


def variables_of(settings):
    task = build_task(settings)
    return task, random_variables(task)


@functools.cache
def predictor(mask="none", head="offset", examine=None):
    chosen = experiment(mask, head)
    return HostPredictor(*variables_of(chosen), chosen.image, examine, batch_size=4)


@pytest.fixture(scope="module")
def fields():
    return list(simulate_host_fields(6, 3, FieldSettings(image_size=SIZE, pixel_scale=SCALE, hostless=0.0)))


@pytest.fixture(scope="module")
def images(fields):
    return np.stack([f.image for f in fields])


def offsets(answers):
    return np.array([(a.x, a.y) for a in answers]) - (SIZE - 1) / 2


@pytest.mark.parametrize("mask", ["none", "mad"])
def test_turning_the_image_turns_the_answer(images, mask):
    model = predictor(mask)
    plain = offsets(model.predict_arrays(images, SCALE))
    turned = offsets(model.predict_arrays(np.rot90(images, axes=(1, 2)), SCALE))  # (x, y) -> (y, -x)
    np.testing.assert_allclose(turned, np.stack([plain[:, 1], -plain[:, 0]], axis=1), atol=1e-3)
    mirrored = offsets(model.predict_arrays(images[:, :, ::-1], SCALE))
    np.testing.assert_allclose(mirrored, plain * [-1, 1], atol=1e-3)


def test_mixture_answers_turn_too(images):
    model = predictor("none", "mixture")
    plain, turned = (model.predict_arrays(im, SCALE) for im in (images, np.rot90(images, axes=(1, 2))))
    for a, b in zip(plain, turned, strict=True):
        np.testing.assert_allclose(b.hostless_probability, a.hostless_probability, atol=1e-5)
        # The circle is filled with a fixed set of points, so its probability is good to a percent.
        np.testing.assert_allclose(b.probability, a.probability, atol=0.02)
        total = a.probability + a.second_probability + a.hostless_probability
        assert 0 <= a.second_probability <= a.probability <= 1 and total <= 1 + 1e-5


def draw(size, scale, at, galaxies):
    """Smooth galaxies on any grid; `at`: the transient's (x, y) pixel."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    x, y = (x - at[0]) * scale, (y - at[1]) * scale
    return sum(h * np.exp(-0.5 * ((x - a) ** 2 + (y - b) ** 2) / w**2) for a, b, w, h in galaxies).astype(np.float32)


def test_another_pixel_scale_gives_the_same_place():
    """The same sky in other pixels, off centre, in a larger image: the same host in arcsec."""
    model = predictor("none")
    middle = (SIZE - 1) / 2
    for seed in range(3):
        rng = np.random.default_rng(seed)
        galaxies = rng.uniform([-30, -30, 4, 10], [30, 30, 8, 99], (4, 4))
        known = draw(SIZE, SCALE, (middle, middle), galaxies)
        fine = FieldImage(draw(230, 0.6, (130.3, 121.0), galaxies), 0.6, 130.3, 121.0, "fine")
        coarse = FieldImage(draw(80, 2.0, (41.0, 36.6), galaxies), 2.0, 41.0, 36.6, "coarse")
        plain, *others = model.predict([centred(known, SCALE), fine, coarse])
        expected = offsets([plain])[0] * SCALE
        for field, found in zip((fine, coarse), others, strict=True):
            at = np.array([found.x - field.x, found.y - field.y]) * field.pixel_scale
            np.testing.assert_allclose(at, expected, atol=0.05 * np.hypot(*expected) + 0.05)
            assert found.separation == pytest.approx(np.hypot(*at), rel=1e-5)


def test_a_small_image_has_no_sources_at_its_edge(fields):
    """A stamp of half the field on a bright sky: what lies beyond it is neither sky nor source."""
    model = predictor("sources", examine=examine_field)
    for field in fields[:2]:
        stamp = field.image[20:70, 24:74] + 500
        stamp[:3] = np.nan
        (ready,) = model.prepare([FieldImage(stamp, SCALE, 23.5, 27.5, "stamp")])
        sources = ready.examined.sources
        assert ready.pixels[:20].max() == 0
        edge = (sources["x"] < 22) | (sources["x"] > 73)
        whole = detect_sources(field.image).sources
        assert edge.sum() <= (np.abs(whole["x"] - 23) < 6).sum() + (np.abs(whole["x"] - 74) < 6).sum()


def test_export_takes_any_number_of_rows():
    task, variables = variables_of(experiment(head="mixture"))
    program = jax.export.deserialize(bytearray(export_program(task, variables, ("cpu",))))
    stamps = np.random.default_rng(0).random((3, 24, 24, 3), np.float32)
    found, expected = program.call({"stamps": stamps}), jax.jit(task.predict)(variables, {"stamps": stamps})
    np.testing.assert_allclose(found["offset"], expected["offset"], atol=1e-4)


def test_several_cores_give_the_same_answers(images):
    """With rejections among the fields; the processes need no jax."""
    many = [images[i % 6] if i % 5 else np.zeros((SIZE, SIZE), np.float32) for i in range(40)]
    model = predictor("sources", examine=examine_field)
    with Processes(1) as processes:
        beside = copy.copy(model)
        beside._parallel_map = processes.map
        assert repr(beside.predict_arrays(many, SCALE)) == repr(model.predict_arrays(many, SCALE))
    needed = "import lcjax.systems.delight.examination, data_pipelines.kinds.host_fields.stack, data_pipelines.processes, sys"
    subprocess.run([sys.executable, "-c", f"{needed}; assert 'jax' not in sys.modules"], check=True)


@pytest.mark.parametrize("scale", [SCALE, 2 * SCALE])
def test_unknown_pixels_count_as_sky(images, scale):
    """The largest float, infinities and NaN are the same, with and without resampling."""
    answers = []
    for unknown in (np.nan, np.inf, np.finfo(np.float32).max, -np.finfo(np.float32).max):
        image = images[0].copy()
        image[5:9, 60:75] = unknown
        answers += predictor("sources", examine=examine_field).predict_arrays(image[None], scale)
    assert all(
        (a.x, a.y, a.semi_major_axis) == (answers[0].x, answers[0].y, answers[0].semi_major_axis) for a in answers
    )


def test_order_batches_and_rejections(images):
    model = predictor("sources", examine=examine_field)
    empty, flat = np.zeros((SIZE, SIZE)), np.ones((SIZE, SIZE))
    given = [images[0], empty, images[1], flat, np.full((SIZE, SIZE), np.nan), *images, np.ones(3), np.array([["a"]])]
    many = [FieldImage(im, SCALE, 47.5, 47.5, str(i)) for i, im in enumerate(given)]
    found = list(model.predict(iter(many)))
    assert [f.object_id for f in found] == [str(i) for i in range(len(given))]
    rejected = {i for i, f in enumerate(found) if isinstance(f, Rejection)}
    assert rejected == {1, 3, 4, 11, 12}
    assert "empty" in found[1].reason and "no source" in found[3].reason
    assert (found[0].x, found[0].y) == pytest.approx((found[5].x, found[5].y), abs=1e-4)
    outside = FieldImage(images[0], SCALE, 500.0, 3.0, "out")
    assert "not on the image" in next(iter(model.predict([outside]))).reason
    assert list(model.predict([])) == []


def test_the_nearest_source_answers_where_the_network_scatters(images):
    model = copy.copy(predictor("sources", examine=examine_field))
    model._max_scatter = 0.0
    for answer in model.predict_arrays(images, SCALE):
        assert answer.method == "nearest source" and answer.scatter > 0 and answer.variant_x is None
        assert answer.separation == pytest.approx(answer.nearest_separation)


def test_snapping(images):
    plain = predictor("sources", examine=examine_field)
    model = copy.copy(plain)
    model._snap = True
    for image, before, after in zip(
        images, plain.predict_arrays(images, SCALE), model.predict_arrays(images, SCALE), strict=True
    ):
        sources = detect_sources(image).sources
        if (before.x, before.y) != (after.x, after.y):
            assert np.hypot(sources["x"] - after.x, sources["y"] - after.y).min() < 1e-6
    assert snap_to_source(sources, sources["x"][0] + 0.1, sources["y"][0]) == (sources["x"][0], sources["y"][0])
    assert snap_to_source({k: v[:0] for k, v in sources.items()}, 3.0, 4.0) == (3.0, 4.0)
    with pytest.raises(ConfigError, match="examine"):
        chosen = experiment()
        HostPredictor(*variables_of(chosen), chosen.image, snap=True)


def test_settings_that_do_not_fit(tmp_path):
    with pytest.raises(ConfigError, match="examine="):
        predictor("sources")
    with pytest.raises(ConfigError, match="at least 1"):
        chosen = experiment()
        HostPredictor(*variables_of(chosen), chosen.image, batch_size=0)
    with pytest.raises(ConfigError, match="planes"):
        build_task(dataclasses.replace(experiment(), image=ImageConfig(48, SCALE, 3)))


def write_fits(path, pixels, ra=150.0, dec=2.0, scale=SCALE, turn=30.0):
    wcs = WCS(naxis=2)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [ra, dec]
    wcs.wcs.crpix = [pixels.shape[1] / 2, pixels.shape[0] / 2]
    wcs.wcs.cd = scale / 3600 * np.array([[-c, s], [s, c]])
    fits.PrimaryHDU(pixels, wcs.to_header()).writeto(path)
    return wcs


def test_fits_and_sky(tmp_path, images):
    wcs = write_fits(tmp_path / "sn-a.fits", images[0])
    write_fits(tmp_path / "sn-b.fits.gz", images[1])
    fits.PrimaryHDU(images[2]).writeto(tmp_path / "sn-c.fits")
    (tmp_path / "sn-d.fits").write_bytes(b"SIMPLE  = rubbish")
    chosen = experiment("sources")
    _, variables = variables_of(chosen)
    write_weights(tmp_path / "W", ImportedWeights(chosen, variables, tmp_path / "sn-d.fits", None, [], []))
    model = HostPredictor.of(load_model(tmp_path / "W"), examine_field, batch_size=2)
    found = list(model.predict(read_fields([tmp_path])))
    assert [f.object_id for f in found] == ["sn-a", "sn-b", "sn-c", "sn-d"]
    assert "pixel scale" in found[2].reason and "cannot be read" in found[3].reason
    answer = found[0]
    np.testing.assert_allclose((answer.ra, answer.dec), wcs.pixel_to_world_values(answer.x, answer.y))
    east, north = (answer.ra - 150) * np.cos(np.radians(2)) * 3600, (answer.dec - 2) * 3600
    assert np.hypot(east, north) == pytest.approx(answer.separation, rel=1e-3)
    # The service's form: eight positions, their mean and scatter in pixels.
    eight = np.stack([answer.variant_x, answer.variant_y], axis=1)
    np.testing.assert_allclose(eight.mean(axis=0), (answer.x, answer.y), atol=1e-3)
    spread = np.sqrt(np.mean(np.sum((eight - eight.mean(axis=0)) ** 2, axis=1)))
    assert answer.scatter / answer.pixel_scale == pytest.approx(spread, rel=1e-3)
    np.testing.assert_allclose(np.transpose([answer.variant_ra, answer.variant_dec]), wcs.all_pix2world(eight, 0))
    given = read_fields([tmp_path / "sn-c.fits"], pixel_scale=SCALE)
    scaled = list(predictor("sources", examine=examine_field).predict(given))
    assert np.isnan(scaled[0].ra) and np.isfinite(scaled[0].separation)


def test_where_the_transient_is(tmp_path, images):
    wcs = write_fits(tmp_path / "a.fits", images[0])
    assert (read_field(tmp_path / "a.fits").x, read_field(tmp_path / "a.fits").y) == (47.0, 47.0)
    ra, dec = (float(v) for v in wcs.pixel_to_world_values(60.0, 20.0))
    field = next(read_fields([tmp_path / "a.fits"], {"a": (ra, dec)}))
    assert (field.x, field.y) == pytest.approx((60.0, 20.0), abs=1e-4)
    assert field.pixel_scale == pytest.approx(SCALE, rel=1e-6)
    with pytest.raises(DataError, match="not on the image"):
        read_field(tmp_path / "a.fits", (ra + 1, dec))
    with pytest.raises(DataError, match="there is no file"):
        list(read_fields([tmp_path / "none.fits"]))


@pytest.mark.parametrize("frame", ["galactic", "fk4"])
def test_positions_are_icrs_whatever_the_system_of_the_image(frame, tmp_path, images):
    place = SkyCoord(150.0, 2.0, unit="deg")
    native = place.galactic if frame == "galactic" else place.fk4
    longitude, latitude = native.spherical.lon.deg, native.spherical.lat.deg
    write_fits(tmp_path / "a.fits", images[0], longitude, latitude)
    with fits.open(tmp_path / "a.fits", mode="update") as file:
        if frame == "galactic":
            file[0].header.update({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"})
        else:
            file[0].header.update({"RADESYS": "FK4", "EQUINOX": 1950.0})
        wcs = WCS(file[0].header)
    field = read_field(tmp_path / "a.fits")
    truth = wcs.pixel_to_world(20.0, 70.0).icrs
    np.testing.assert_allclose(sky_of(field, 20.0, 70.0), (truth.ra.deg, truth.dec.deg), rtol=1e-12)
    again = read_field(tmp_path / "a.fits", (truth.ra.deg, truth.dec.deg))
    assert (again.x, again.y) == pytest.approx((20.0, 70.0), abs=1e-4)


def test_world_coordinates_that_cannot_be_used(tmp_path, images):
    for name, change, why in (
        ("oblong", {"CDELT1": 2.0}, "not square"),
        ("words", {"CRVAL1": "somewhere"}, "CRVAL1 should be a number"),
        ("frame", {"RADESYS": "FK9"}, "unknown world coordinates: axes RA---TAN and DEC--TAN, system 'FK9'"),
        ("linear", {"CTYPE1": "X", "CTYPE2": "Y"}, "no world coordinates"),
    ):
        write_fits(tmp_path / f"{name}.fits", images[0])
        with fits.open(tmp_path / f"{name}.fits", mode="update") as file:
            file[0].header.update(change)
        (found,) = read_fields([tmp_path / f"{name}.fits"])
        assert why in found.reason and name not in found.reason and name in found.origin
    write_fits(tmp_path / "west.fits", images[0], ra=0.0, scale=-SCALE, turn=0.0)
    sky = sky_of(read_field(tmp_path / "west.fits"), 90.0, 10.0)
    assert 0 <= sky[0] < 360 and min(sky[0], 360 - sky[0]) < 0.05


def test_size_of_a_large_host():
    y, x = np.mgrid[:480, :480] - 239.5
    rng = np.random.default_rng(0)
    galaxy = 400 * np.exp(-np.hypot((x - 30) / 24, (y + 12) / 12)) + rng.normal(0, 3, x.shape)
    found = examine_field(galaxy.astype(np.float32), 5)
    size = host_size(found.sources, found.plane_sources, 239.5 + 30, 239.5 - 12, 480)
    assert 15 < size.semi_major_axis < 90 and not size.doubtful
    assert host_size(found.sources, found.plane_sources, 60.0, 400.0, 480).doubtful


def test_published_network_on_recorded_images(golden_root):
    config, variables = published_network(golden_root / "delight")
    for z in (load(p) for p in files_of(golden_root, "delight")):
        if "image" not in z:
            continue
        size = z["image"].shape[-1]
        image = ImageConfig(image_size=size, levels=config.levels)
        chosen = DelightExperiment(model=dataclasses.replace(config, side=stack_side(size, config.levels)), image=image)
        model = HostPredictor(build_task(chosen), variables, image, examine_field, batch_size=4, sizes=False)
        found = model.predict_arrays(z["image"], image.pixel_scale)
        at = np.array([(a.x, a.y) for a in found]) - (size - 1) / 2
        np.testing.assert_allclose(at, z["offset_mean"], atol=1e-3)
        np.testing.assert_allclose([a.scatter for a in found], image.pixel_scale * z["offset_std"], atol=1e-3)
