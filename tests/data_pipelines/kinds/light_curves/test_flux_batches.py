"""Batches of fluxes: of both readers, of one zero point, from magnitudes too; and batches of magnitudes of the same data."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.fluxes import FluxSeries, magnitude_of_flux
from data_pipelines.kinds.light_curves.meaning import DatasetBrightness
from data_pipelines.kinds.light_curves.records import LIGHT_CURVES, WITH_FLUXES, encode_light_curve
from data_pipelines.kinds.light_curves.source import LightCurveSource
from data_pipelines.shards.writing import write_manifest, write_shards
from lcjax.configs import WindowConfig
from lcjax.errors import ConfigError, DataError
from tests.data_pipelines.curves import curves, write

WINDOW = WindowConfig(length=16, mode="sequential")
READERS = ("plain", "tf.data")


def star(number, zero_point=23.9, points=30):
    """Half of the fluxes are negative, each tenth point is a limit; of every fourth star all but two are negative."""
    rng = np.random.default_rng(number)
    mjd = 60_000 + np.sort(rng.uniform(0, 100, points))
    flux = rng.normal(0, 100, points)
    flux[np.abs(flux) < 10] = 10
    if number % 4 == 0:
        flux = np.where(np.arange(points) < 2, 50.0, -np.abs(flux))
    limited = np.arange(points) % 10 == 9
    scale = 10 ** (0.4 * (zero_point - 23.9))
    measured = lambda x: np.where(limited, np.nan, x * scale)
    return FluxSeries(
        mjd, measured(flux), measured(np.full(points, 5.0)), limited * 20.0 * scale, "difference_flux", zero_point
    )


def dataset(folder, kind="difference_flux", zero_point=23.9, stars=range(40), shards=5, split="train"):
    """Shards of such stars without tfds."""
    records = []
    for number in stars:
        fluxes = star(number, 23.9 if np.isnan(zero_point) else zero_point)
        magnitude, error = magnitude_of_flux(fluxes.flux, fluxes.flux_error, fluxes.zero_point)
        some = np.isfinite(magnitude) & (error <= 1)
        records.append(
            encode_light_curve(
                f"s{number}", fluxes.mjd[some], magnitude[some], error[some], "g", number % 2, fluxes=fluxes
            )
        )
    folder.mkdir(parents=True)
    (folder / "label.labels.txt").write_text("a\nb")
    write_shards(folder, "toy", split, records, WITH_FLUXES, shards)
    meaning = DatasetBrightness(kind, True, zero_point, "", 5).as_meaning()
    write_manifest(folder, WITH_FLUXES, meaning=meaning)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("fluxes") / "d")


def source(paths, reader="plain", **settings):
    return LightCurveSource(paths, "train", 8, WINDOW, 3, reader=reader, **settings)


def rows(of):
    """Star -> its points, from one pass of evaluation."""
    found = {}
    for batch in of.evaluation_batches():
        for i in np.flatnonzero(batch["weight"]):
            there = batch["mask"][i] | batch.get("limit_mask", np.zeros_like(batch["mask"]))[i]
            names = [n for n in ("time", "flux", "flux_error", "flux_limit", "magnitude", "mask") if n in batch]
            found.setdefault(batch["object_id"][i], []).append({n: batch[n][i][there] for n in names})
    return {name: {n: np.concatenate([p[n] for p in parts]) for n in parts[0]} for name, parts in found.items()}


@pytest.mark.parametrize("reader", READERS)
def test_every_flux_and_limit_is_in_the_batches(folder, reader):
    found = rows(source(folder, reader, brightness="flux"))
    assert len(found) == 40
    for number in range(40):
        want, got = star(number), found[f"s{number}"]
        np.testing.assert_array_equal(got["mask"], want.measured)
        np.testing.assert_allclose(got["flux"], np.nan_to_num(want.flux), rtol=1e-6)
        np.testing.assert_allclose(got["flux_error"], np.nan_to_num(want.flux_error), rtol=1e-6)
        np.testing.assert_allclose(got["flux_limit"], want.limit, rtol=1e-6)
        np.testing.assert_allclose(np.diff(got["time"]), np.diff(want.mjd), atol=1e-4)


@pytest.mark.parametrize("brightness", ["magnitude", "flux"])
def test_both_readers_give_the_same_batches(folder, brightness):
    plain, tensorflow = (source(folder, reader, brightness=brightness) for reader in READERS)
    assert plain.fingerprint == tensorflow.fingerprint
    for (at, one), (where, other), _ in zip(
        plain.train_batches(1, 2), tensorflow.train_batches(1, 2), range(20), strict=False
    ):
        assert at == where and one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
        assert all(np.isfinite(v).all() for v in one.values() if v.dtype == np.float32)


def test_magnitudes_leave_out_who_has_too_few_and_say_so(folder):
    magnitudes = source(folder)
    assert rows(magnitudes).keys() == {f"s{n}" for n in range(40) if n % 4}
    assert magnitudes.n_objects == 30 and magnitudes.class_counts().tolist() == [10, 20]
    assert magnitudes.labels.tolist().count(-1) == 10
    seen = {
        name
        for _, b in zip(range(20), (b for _, b in magnitudes.train_batches()), strict=False)
        for name in b["object_id"]
    }
    assert seen == set(rows(magnitudes))
    kept = sum(int((star(n).flux > 0).sum()) for n in range(40) if n % 4)
    (said,) = magnitudes.remarks()
    assert f"{1200 - kept:,} of 1,200 points" in said and "10 of 40 light curves" in said and "most of its data" in said
    assert source(folder, brightness="flux").remarks() == []
    assert magnitudes.fingerprint != source(folder, brightness="flux").fingerprint


def test_shards_without_any_magnitudes_are_not_waited_for(tmp_path):
    mixed = source(dataset(tmp_path / "d", stars=[0, 4, 8, 12, 1, 2], shards=3))
    assert set(rows(mixed)) == {"s1", "s2"}
    (_, batch) = next(iter(mixed.train_batches()))
    assert set(batch["object_id"]) == {"s1", "s2"}
    with pytest.raises(DataError, match=r"has no light curves of use \(.*none that can be used\)"):
        source(dataset(tmp_path / "e", stars=[0, 4], shards=1))


def test_a_split_without_magnitudes_may_be_evaluated(tmp_path):
    folder = dataset(tmp_path / "d", stars=[0, 4], shards=1, split="test")
    opened = LightCurveSource(folder, "test", 8, WINDOW, 3, reader="plain")
    assert (
        opened.n_objects == 0 and not list(opened.evaluation_batches()) and "2 of 2 light curves" in opened.remarks()[0]
    )


def test_several_zero_points_become_one(folder, tmp_path):
    other = dataset(tmp_path / "e", zero_point=31.4, stars=range(100, 110), shards=2)
    both = source([folder, other], brightness="flux")
    assert both.zero_point == 23.9
    np.testing.assert_allclose(rows(both)["s105"]["flux"], np.nan_to_num(star(105).flux), rtol=1e-5)
    asked = source([folder, other], brightness="flux", zero_point=31.4)
    want = np.nan_to_num(star(105, 31.4).flux)
    np.testing.assert_allclose(rows(asked)["s105"]["flux"], want, rtol=1e-5)
    assert asked.fingerprint != both.fingerprint
    said = {"series": "flux", "kinds": ["difference_flux"], "zero_point": 31.4, "unit": ""}
    assert asked.describe()["brightness"] == said
    assert source(folder).describe()["brightness"] == {"series": "magnitude", "kinds": ["difference_flux"]}


def test_fluxes_of_magnitudes(tmp_path):
    records = curves(12)
    plain = write(tmp_path / "d", records, shards=2)
    found = rows(source(plain, brightness="flux", zero_point=25.0))
    name = records[0]["object_id"]
    want = np.concatenate(
        [10 ** (-0.4 * (r["magnitude"].astype(float) - 25)) for r in records if r["object_id"] == name]
    )
    np.testing.assert_allclose(np.sort(found[name]["flux"]), np.sort(want), rtol=1e-5)
    with pytest.raises(ConfigError, match=r"need a zero point, .* such as 23.9 for microjansky"):
        source(plain, brightness="flux")
    facts = {"brightness": "relative magnitudes of flux 'PDCSAP_FLUX'"}
    write_manifest(plain, LIGHT_CURVES, facts)
    with pytest.raises(DataError, match=r"holds magnitudes alone \(relative magnitudes of flux.*prepare it again"):
        source(plain, brightness="flux", zero_point=25.0)


@pytest.mark.parametrize("reader", READERS)
def test_fluxes_and_magnitudes_side_by_side(tmp_path, reader):
    plain = write(tmp_path / "plain", curves(12), shards=2)
    total = dataset(tmp_path / "total", kind="total_flux", stars=range(4), shards=1)
    alone = rows(source(plain, reader, brightness="flux", zero_point=23.9))
    both = source([plain, total], reader, brightness="flux")
    assert both.zero_point == 23.9 and both.n_objects == 10
    found = rows(both)
    for name, points in alone.items():
        for entry, values in points.items():
            np.testing.assert_array_equal(found[name][entry], values)
    np.testing.assert_allclose(found["s1"]["flux"], np.nan_to_num(star(1).flux), rtol=1e-6)
    magnitudes = source([plain, total], reader)
    assert magnitudes.n_objects == 9  # one star has too few
    assert "datasets of magnitude and of total flux side by side" in magnitudes.remarks()[0]


def test_magnitudes_of_fluxes_of_which_some_were_lost_say_so(tmp_path):
    plain = write(tmp_path / "d", curves(12), shards=2)
    write_manifest(plain, LIGHT_CURVES, {"brightness": "magnitudes of flux 'psfFlux' in nJy, zero point 31.4"})
    (said,) = source(plain, brightness="flux", zero_point=31.4).remarks()
    assert "was prepared without its negative fluxes" in said and source(plain).remarks() == []


def test_what_cannot_be_read_together_is_refused(folder, tmp_path):
    plain = write(tmp_path / "plain", curves(12), shards=2)
    with pytest.raises(DataError, match="magnitude and difference flux: read them apart"):
        source([plain, folder], brightness="flux", zero_point=25.0)
    assert source([plain, folder]).n_objects == 36  # as magnitudes they go together
    total = dataset(tmp_path / "total", kind="total_flux", stars=range(4), shards=1)
    with pytest.raises(DataError, match="difference flux and total flux: read them apart"):
        source([folder, total], brightness="flux")
    relative = dataset(tmp_path / "relative", zero_point=np.nan, stars=range(1, 4), shards=1)
    with pytest.raises(ConfigError, match=r"have no zero point, so that none of 25 can be made"):
        source(relative, brightness="flux", zero_point=25.0)
    assert np.isnan(source(relative, brightness="flux").zero_point)
    with pytest.raises(ConfigError, match="use magnitude or flux"):
        source(folder, brightness="colour")
    with pytest.raises(ConfigError, match="a zero point is for fluxes"):
        source(folder, zero_point=25.0)
