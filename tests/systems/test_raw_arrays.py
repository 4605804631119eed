"""`lcjax.load(W).predict(raw arrays)` is `lcjax predict`, for every system: epoch, padding, length, spread, NaN."""

import dataclasses

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pyarrow.parquet as pq
import pytest

import lcjax
from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.kinds.alerts.records import alert_columns, stack_stamps
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_fields
from data_pipelines.sources.alerts import read_alerts
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError
from lcjax.inference import export
from lcjax.models.delight_config import DelightModelConfig
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import build_task
from lcjax.systems.delight.config import DelightExperiment, ImageConfig
from lcjax.systems.masked_pretraining.config import ObjectiveConfig
from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig
from tests.cli.test_predict_alerts import SMALL
from tests.inference.models import experiment, light_curve, weights_folder
from tests.systems.delight.delight_files import random_variables
from tests.systems.multiscale_stamps.test_task import initial, small

SIZES = (30, 8, 95, 40, 61, 80)
NUMBERS = ("time", "magnitude", "magnitude_error")
CLOSE = {"rtol": 5e-4, "atol": 5e-4}
"""Padded lengths differ here and there, with them the order in which times are added up, and waves of half an hour show that."""


def raw(curves, width, seed=0):
    """Arrays (rows, width) as the file has them; the padding holds anything."""
    rng = np.random.default_rng(seed)
    batch = {name: rng.normal(0, 1e3, (len(curves), width)) for name in NUMBERS}
    mask = np.zeros((len(curves), width), bool)
    for i, c in enumerate(curves):
        n = len(c.mjd)
        mask[i, :n] = True
        for name, series in zip(NUMBERS, (c.mjd, c.magnitude, c.magnitude_error), strict=True):
            batch[name][i, :n] = series
    return {**batch, "mask": mask}


@pytest.fixture(scope="module", params=["astromer1", "astromer2"])
def asked(request, tmp_path_factory):
    """A loaded Astromer, its light curves, and what the command line says of them."""
    folder = tmp_path_factory.mktemp("asked")
    settings = experiment(parity=request.param == "astromer1")
    if request.param == "astromer2":
        settings = dataclasses.replace(settings, objective=ObjectiveConfig(scale="std"))
    weights_folder(folder / "W", settings)
    curves = [light_curve(n, seed, f"star {seed}") for seed, n in enumerate(SIZES)]
    rows = ["id,time,mag,err"]
    for c in curves:
        rows += [
            f"{c.object_id},{t!r},{m!r},{e!r}"
            for t, m, e in zip(c.mjd.tolist(), c.magnitude.tolist(), c.magnitude_error.tolist(), strict=True)
        ]
    (folder / "s.csv").write_text("\n".join(rows))
    assert main(["predict", str(folder / "W"), str(folder / "s.csv"), "--out", str(folder / "e.parquet")]) == 0
    expected = np.array(pq.read_table(folder / "e.parquet")["embedding"].to_pylist())
    return lcjax.load(folder / "W"), curves, expected


def test_light_curves_of_any_epoch_padding_and_length(asked):
    loaded, curves, expected = asked
    np.testing.assert_allclose(loaded.predict(raw(curves, 131))["embedding"], expected, **CLOSE)
    short = [0, 1]  # narrower than a window: the published networks attend to padding
    batch = raw([curves[i] for i in short], 33)
    np.testing.assert_allclose(loaded.predict(batch)["embedding"], expected[short], **CLOSE)
    # Holes instead of padding, points in any order, a mask of numbers, the calling convention of linen.
    order = np.random.default_rng(1).permutation(131)
    batch = {name: value[:, order] for name, value in raw(curves, 131).items()}
    batch["mask"] = batch["mask"].astype(np.float32)
    model, variables = loaded
    np.testing.assert_allclose(model.apply(variables, batch)["embedding"], expected, **CLOSE)


@pytest.mark.parametrize("asked", ["astromer2"], indirect=True)
def test_float32_and_transformed(asked):
    loaded, curves, expected = asked
    batch = raw(curves, 95)
    # What float32 has of an MJD is taken as it is: no more is lost in means over it.
    rounded = {**batch, "time": batch["time"].astype(np.float32)}
    exact = {**batch, "time": batch["time"].astype(np.float32).astype(np.float64)}
    reference = loaded.predict(exact)["embedding"]
    np.testing.assert_allclose(loaded.predict(rounded)["embedding"], reference, **CLOSE)
    traced = {name: jnp.asarray(value, bool if name == "mask" else np.float32) for name, value in rounded.items()}
    np.testing.assert_allclose(jax.jit(loaded.predict)(traced)["embedding"], reference, **CLOSE)
    one = lambda row: loaded.predict({name: value[None] for name, value in row.items()})["embedding"][0]
    epoch = {**batch, "time": (batch["time"] - 50_500).astype(np.float32)}
    np.testing.assert_allclose(jax.vmap(one)(epoch), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("asked", ["astromer2"], indirect=True)
def test_gradients_are_finite_whatever_the_padding(asked):
    loaded, curves, _ = asked
    batch = raw(curves[:3], 95)
    batch = {
        name: np.where(batch["mask"], value, np.nan) if name in NUMBERS else value for name, value in batch.items()
    }
    score = lambda variables, magnitude: jnp.sum(
        loaded.predict(batch | {"magnitude": magnitude}, variables)["embedding"]
    )
    grads = jax.jit(jax.grad(score, (0, 1)))(loaded.variables, jnp.asarray(batch["magnitude"], jnp.float32))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
    assert np.abs(grads[1]).sum() > 0 and not np.asarray(grads[1])[~batch["mask"]].any()


def test_points_that_are_not_finite_are_left_out(asked):
    loaded, curves, _ = asked
    batch, without = raw(curves, 95), raw(curves, 95)
    batch["magnitude"][2, 5], batch["time"][3, 7], batch["magnitude_error"][4, 9] = np.nan, np.inf, np.nan
    without["mask"][[2, 3, 4], [5, 7, 9]] = False
    expected = loaded.predict(without)["embedding"]
    np.testing.assert_allclose(loaded.predict(batch)["embedding"], expected, **CLOSE)
    epoch = {**batch, "time": batch["time"] - 50_500}
    traced = {n: jnp.asarray(v, bool if n == "mask" else np.float32) for n, v in epoch.items()}
    found = jax.jit(lambda batch: loaded.predict(batch))(traced)["embedding"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_one_sentence_for_light_curves_that_make_no_sense(asked):
    loaded, curves, _ = asked
    batch = raw(curves, 95)
    empty = {**batch, "magnitude": np.where(np.arange(6)[:, None] == 4, np.nan, batch["magnitude"])}
    cases = {
        "curve 4 of the batch has no finite point": empty,
        "no 'mask'": {name: batch[name] for name in NUMBERS},
        "other numbers than 0 and 1": {**batch, "mask": batch["mask"] * 0.5},
        "one shape": {**batch, "mask": batch["mask"][:, :-1]},
        "no array of numbers": {**batch, "time": np.full((6, 95), "now")},
    }
    for words, odd in cases.items():
        with pytest.raises(DataError, match=words):
            loaded.predict(odd)


def test_the_exported_program_takes_whole_light_curves_too(asked, tmp_path):
    """Of one to three windows, in any order and padding, as `lcjax predict` answers them."""
    loaded, curves, expected = asked
    description = export(loaded, tmp_path / "out", ("cpu",))
    assert (
        description["inputs"]["time"]["shape"] == ["rows", "points"]
        and description["outputs"]["embedding"]["shape"][0] == "rows"
    )
    program = jax.export.deserialize(bytearray((tmp_path / "out" / "predict.stablehlo").read_bytes()))
    order = np.random.default_rng(2).permutation(131)
    for which, width, shuffled in (([0, 1], 33, False), (range(6), 131, True)):
        batch = raw([curves[i] for i in which], width)
        numbers = {n: np.where(batch["mask"], batch[n] - 50_500 * (n == "time"), np.nan) for n in NUMBERS}
        batch = {n: value.astype(np.float32) for n, value in numbers.items()} | {"mask": batch["mask"]}
        batch = {n: value[:, order] for n, value in batch.items()} if shuffled else batch
        found = program.call({**batch, "length": batch["mask"].sum(1).astype(np.int32)})["embedding"]
        np.testing.assert_allclose(found, expected[list(which)], rtol=2e-3, atol=2e-3)


def kept(folder, settings, variables):
    write_weights(folder, ImportedWeights(settings, variables, folder, None, [], []))
    return lcjax.load(folder)


def stamp_classifier(folder):
    inputs = StampInputsConfig(features=("magpsf", "isdiffpos", "ra"), metadata_names=("isdiffpos", "magpsf"))
    settings = StampExperiment(inputs=inputs, model=SMALL)
    task = build_task(settings)
    return kept(folder, settings, jax.tree.map(np.asarray, jax.jit(task.init)(jax.random.key(0), task.made_up(2))))


def multiscale(folder):
    settings = small("multiscale-stamps-2025")
    names = ("magpsf", "isdiffpos")
    inputs = dataclasses.replace(settings.inputs, features=names, metadata_names=names)
    settings = dataclasses.replace(settings, inputs=inputs)
    return kept(folder, settings, initial(build_task(settings), build_task(settings).made_up(2)))


@pytest.mark.parametrize("make", [stamp_classifier, multiscale])
def test_alerts(make, tmp_path):
    loaded = make(tmp_path / "W")
    (tmp_path / "a.avro").write_bytes(container([packet(n) for n in range(4)]))
    files = [str(tmp_path / "a.avro"), "--out", str(tmp_path / "F.parquet")]
    assert main(["predict", str(tmp_path / "W"), *files]) == 0
    names = loaded.experiment.inputs.class_names
    expected = [[row[n] for n in names] for row in pq.read_table(tmp_path / "F.parquet").to_pylist()]
    alerts = list(read_alerts([tmp_path / "a.avro"]))
    columns = [alert_columns(a) for a in alerts]
    metadata = np.array([[c.get(n, np.nan) for n in loaded.experiment.inputs.metadata_names] for c in columns])
    batch = {
        "stamps": np.stack([stack_stamps(a) for a in alerts]).astype(np.float64),
        "metadata": metadata,
        "ra": [a.ra for a in alerts],
        "dec": [a.dec for a in alerts],
    }
    np.testing.assert_allclose(loaded.predict(batch)["probabilities"], expected, rtol=1e-4, atol=1e-5)
    out = tmp_path / "out"
    export(loaded, out, ("cpu",))
    program = jax.export.deserialize(bytearray((out / "predict.stablehlo").read_bytes()))
    single = {name: np.asarray(value, np.float32) for name, value in batch.items()}
    np.testing.assert_allclose(program.call(single)["probabilities"], expected, rtol=1e-4, atol=1e-5)
    for words, odd in {
        "metadata.*shape": {**batch, "metadata": metadata[:, :1]},
        "no 'stamps'": {"metadata": metadata},
        "number of rows": {**batch, "ra": batch["ra"][:2]},
    }.items():
        with pytest.raises(DataError, match=words):
            loaded.predict(odd)
    with pytest.raises(DataError, match=r"'(ra|dec)'"):
        loaded.predict({"stamps": batch["stamps"], "metadata": metadata})


def test_an_alert_spoilt_by_a_null_is_an_error(tmp_path):
    inputs = StampInputsConfig(features=("magpsf",), metadata_names=("magpsf",), missing="nan")
    settings = StampExperiment(inputs=inputs, model=SMALL)
    task = build_task(settings)
    loaded = kept(
        tmp_path / "W", settings, jax.tree.map(np.asarray, jax.jit(task.init)(jax.random.key(0), task.made_up(2)))
    )
    batch = {"stamps": np.ones((2, 63, 63, 3)), "metadata": np.array([[18.0], [np.nan]])}
    with pytest.raises(DataError, match="row 1 has no finite"):
        loaded.predict(batch)


@pytest.mark.parametrize("mask", ["sources", "mad"])
def test_host_fields(mask, tmp_path):
    pytest.importorskip("sep", reason="needs sep (extra test or hosts)")
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    from data_pipelines.kinds.host_fields.source_mask import detect_sources

    size, scale = 96, 1.25
    network = DelightModelConfig(side=24, levels=3, filters=(4, 5, 6), hidden=8, unit=20.0)
    settings = DelightExperiment(model=network, image=ImageConfig(size, scale, 3, mask))
    loaded = kept(tmp_path / "W", settings, random_variables(build_task(settings)))
    images = np.stack(
        [f.image for f in simulate_host_fields(3, 3, FieldSettings(image_size=size, pixel_scale=scale, hostless=0.0))]
    )
    images[0, :3, :4] = np.nan
    for i, image in enumerate(images):
        header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0})
        header.update({"CRPIX1": (size + 1) / 2, "CRPIX2": (size + 1) / 2})
        header.update({"CDELT1": -scale / 3600, "CDELT2": scale / 3600})
        fits.writeto(tmp_path / f"{i}.fits", image.astype(np.float32), header)
    files = [str(tmp_path / f"{i}.fits") for i in range(3)]
    assert main(["predict", str(tmp_path / "W"), *files, "--out", str(tmp_path / "H.parquet")]) == 0
    rows = pq.read_table(tmp_path / "H.parquet").to_pylist()
    expected = [(row["x"] - (size - 1) / 2, row["y"] - (size - 1) / 2) for row in rows]
    batch = {"images": images.astype(np.float64)}
    if mask == "sources":
        with pytest.raises(ConfigError, match="detected sources"):
            loaded.predict(batch)
        batch["mask"] = np.stack([detect_sources(np.nan_to_num(im)).mask for im in images])
    np.testing.assert_allclose(loaded.predict(batch)["offset"], expected, rtol=1e-3, atol=1e-3)
    traced = {n: jnp.asarray(v, bool if n == "mask" else np.float32) for n, v in batch.items()}
    np.testing.assert_allclose(jax.jit(loaded.predict)(traced)["offset"], expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(DataError, match="image 1 of the batch"):
        loaded.predict(batch | {"images": np.where(np.arange(3)[:, None, None] == 1, np.nan, images)})
    with pytest.raises(DataError, match="resamples"):
        loaded.predict({"images": images[:, 1:, 1:]})
