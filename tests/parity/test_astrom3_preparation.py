"""Preparation and schedule of AstroM3 against recordings (arXiv 2411.08842)."""

import json
import re

import jax
import numpy as np
import pytest

from data_pipelines.kinds.multimodal.preprocessing import normalised_curve, normalised_spectrum
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.multimodal.subsets import class_threshold
from lcjax.models.astrom3_config import MultimodalConfig, PhotometryConfig
from lcjax.systems.astrom3.config import InputsConfig
from lcjax.systems.astrom3.network_inputs import network_inputs
from lcjax.training.plateau import schedule_trace
from lcjax.transforms.catalogue import catalogue_features
from tests.parity.recorded import files_of, load


@pytest.fixture(scope="module")
def recordings(golden_root):
    return [load(path) for path in files_of(golden_root, "astrom3")]


def groups(recordings, pattern):
    """(recording, name) of everything whose arrays are called like this."""
    found = [(z, m[1]) for z in recordings for name in z if (m := re.fullmatch(pattern, name))]
    if not found:
        pytest.skip(f"no recording holds {pattern}")
    return found


def test_light_curves(recordings):
    for z, name in groups(recordings, r"(lc\d+_\w+)/raw"):
        curve, full = normalised_curve(z[f"{name}/raw"]), z[f"{name}/full"]
        for i, ours in enumerate((curve.time, curve.flux, curve.flux_error)):
            np.testing.assert_allclose(ours, full[:, i], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose([curve.log_spread, curve.years], full[0, -2:], rtol=1e-6)


@pytest.mark.parametrize("padding", ["release", "legacy"])
def test_crops_from_the_middle_with_the_numbers_of_the_object(recordings, padding):
    for z, name in groups(recordings, r"(lc\d+_\w+)/raw"):
        record, _ = encode_object("a", z[f"{name}/raw"], None, {})
        length = int(z["seq_len"])
        config = MultimodalConfig(modalities=("photometry",), photometry=PhotometryConfig(length=length))
        columns = ("amplitude", "period", "lksl_statistic", "rfr_score")
        batch = {k: np.asarray(record[k])[None] for k in ("time", "flux", "flux_error", "log_spread", "years")}
        batch |= {"mask": np.ones_like(batch["time"], bool), "standardised": np.ones(1, np.int32)}
        batch["metadata"] = np.asarray(z[f"{name}/aux"], np.float32)[None]
        inputs = InputsConfig(photometry_columns=columns, statistics="none", padding=padding)
        found = network_inputs(batch, config, inputs)["photometry"]
        np.testing.assert_allclose(found["values"][0], z[f"{name}/{padding}_x"], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found["mask"][0], z[f"{name}/{padding}_mask"] > 0)


def test_spectra(recordings):
    for z, name in groups(recordings, r"(spec\d+)/raw"):
        found, expected = normalised_spectrum(z[f"{name}/raw"]), z[f"{name}/out"]
        np.testing.assert_allclose(found.flux, expected[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.error, expected[1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.log_spread, expected[2], rtol=1e-6)


def test_catalogue_numbers(recordings):
    for z, _ in groups(recordings, r"meta/(raw)"):
        names = json.loads(str(z["meta/columns_json"]))
        found = catalogue_features(z["meta/raw"], names)
        np.testing.assert_allclose(found, z["meta/transformed"], rtol=1e-10)
        first = found[: int(z["meta/n_train"])]
        np.testing.assert_allclose(first.mean(0), z["meta/mean"], rtol=1e-9)
        np.testing.assert_allclose(first.std(0), z["meta/std"], rtol=1e-9)
        inputs = InputsConfig(metadata_columns=tuple(names), mean=tuple(z["meta/mean"]), std=tuple(z["meta/std"]))
        batch = {"metadata": z["meta/raw"].astype(np.float32), "standardised": np.zeros(len(found), np.int32)}
        run = jax.jit(lambda b: network_inputs(b, MultimodalConfig(modalities=("metadata",)), inputs))
        np.testing.assert_allclose(run(batch)["metadata"]["values"], z["meta/normalized"], rtol=1e-3, atol=2e-4)


def test_caps_of_the_subsets(recordings):
    for z, _ in groups(recordings, r"subset/(counts)"):
        for counts, goal, threshold in zip(z["subset/counts"], z["subset/goal"], z["subset/threshold"], strict=True):
            assert class_threshold({str(i): int(c) for i, c in enumerate(counts)}, int(goal)) == threshold


def test_schedule(recordings):
    for z, name in groups(recordings, r"(case\d+)/hp"):
        rate, factor, *whole = z[f"{name}/hp"]
        rates, stop = schedule_trace(z[f"{name}/val_loss"], rate, factor, *map(int, whole))
        assert stop == z[f"{name}/stop_epoch"]
        np.testing.assert_allclose(rates, z[f"{name}/lr_used_in_epoch"], rtol=1e-5)
