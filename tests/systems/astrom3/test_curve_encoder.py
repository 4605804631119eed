"""Encoders of the library in the place of the photometry encoder: magnitudes as they were, by settings alone, refusals."""

import dataclasses

import jax
import numpy as np
import pytest

from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.simulate.trimodal import simulate_star
from lcjax.errors import ConfigError
from lcjax.systems.astrom3 import AstroM3System
from lcjax.systems.astrom3.config import AstroM3Experiment, CurveEncoderConfig, InputsConfig
from lcjax.systems.astrom3.curve_encoder import magnitude_window, with_curve_encoder
from lcjax.systems.astrom3.network_inputs import batch_spec
from lcjax.systems.astrom3.prediction import record_row
from lcjax.systems.astrom3.task import build_task
from lcjax.systems.loading import load
from tests.inference.models import weights_folder
from tests.systems.base_encoder.small import small
from tests.systems.light_curve_classifier.stars import encoder_settings

INPUTS = InputsConfig(
    photometry_columns=("amplitude",),
    metadata_columns=("j_mag",),
    data_columns=("amplitude", "j_mag"),
    mean=(0.0, 0.0),
    std=(1.0, 1.0),
)


def given(points=200, **named):
    base = AstroM3Experiment(inputs=INPUTS)
    model = dataclasses.replace(base.model, spectra=dataclasses.replace(base.model.spectra, channels=(3, 4), length=12),
                                metadata=dataclasses.replace(base.model.metadata, hidden=4, inputs=1), dim=4,
                                photometry=dataclasses.replace(base.model.photometry, length=points))  # fmt: skip
    return with_curve_encoder(dataclasses.replace(base, model=model, curve_encoder=CurveEncoderConfig(**named)), False)


def test_magnitudes_are_those_of_the_star():
    star = simulate_star(1, 0)
    record, _ = encode_object(star.object_id, star.curve, None, {"amplitude": 0.3, "j_mag": 12.0})
    experiment = given(architecture="astromer2-small")
    row = record_row(record, experiment)
    batch = {name: np.asarray(row[name])[None] for name in ("log_spread", "flux_mean", "mask")}
    points = np.stack([row[name] for name in ("time", "flux", "flux_error")], -1)[None]
    points[0, 3, 1] = -1e6  # a flux that is not positive has no magnitude
    days = points[..., 0] * row["years"] * 365
    found = {k: np.asarray(v)[0] for k, v in magnitude_window(points, batch["mask"], batch, days, np.arange(1)).items()}
    start = max(len(star.curve) - 128, 0) // 2
    time, flux, error = star.curve[start : start + 128].T
    use = found["mask"][: len(flux)]
    assert found["present"] and use.sum() == len(flux) - 1 and not use[3]
    expected = -2.5 * np.log10(flux / star.curve[:, 1].mean())
    np.testing.assert_allclose(found["magnitude"][: len(flux)][use], expected[use], atol=1e-4)
    np.testing.assert_allclose(found["magnitude_error"][: len(flux)][use], (1.0857362 * error / flux)[use], rtol=1e-3)
    np.testing.assert_allclose(np.diff(found["time"][: len(flux)]), np.diff(time), atol=2e-3)
    nothing = magnitude_window(points, np.zeros_like(batch["mask"]), batch, days, np.arange(1))
    assert not nothing["present"][0] and nothing["mask"].sum() == 2 and not nothing["magnitude"].any()


@pytest.mark.parametrize("preset", ["astromer2-small", "lcjax-base"])
def test_any_encoder_of_light_curves_by_its_preset(preset, monkeypatch):
    if preset == "lcjax-base":  # whose views of full size take long to trace
        monkeypatch.setattr("lcjax.systems.encoder_origin.find_preset", lambda name: small)
    experiment = given(architecture=preset)
    assert experiment.inputs.light_curves == "magnitudes" and experiment.curve_encoder.system in (
        "astromer2",
        "base_encoder",
    )
    task = build_task(experiment)
    assert "flux_mean" in batch_spec(experiment.model, experiment.inputs)
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)["params"]
    own = jax.tree.leaves(shapes["encoders_photometry"]["curve"]["encoder"])
    width = shapes["projection_photometry"]["kernel"].shape[0] - 3  # beside an amplitude, the spread and the years
    assert own and width > 1
    if preset != "lcjax-base":  # one trace of whose views is enough
        found = jax.eval_shape(task.predict, {"params": shapes}, task.batch_spec)
        assert found["embedding_photometry"].shape == (2, 4)


def test_windows_are_as_long_as_the_encoder_takes_them(tmp_path):
    """Padding matters to the published Astromers, which take all points of a window; others take shorter crops."""
    assert given(architecture="astromer2-small").model.photometry.length == 128
    assert given(architecture="astromer2-small", points=32).model.photometry.length == 32
    weights_folder(tmp_path / "w", encoder_settings(parity=True, length=20))
    assert given(weights=str(tmp_path / "w"), points=8).model.photometry.length == 20


def test_trained_weights_are_begun_with(tmp_path):
    weights_folder(tmp_path / "w", encoder_settings(length=20))
    experiment = given(weights=str(tmp_path / "w"))
    begun = AstroM3System().initial_variables(experiment)["params"]["encoders_photometry"]["curve"]["encoder"]
    own = load(tmp_path / "w").variables["params"]
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(begun), jax.tree.leaves(own), strict=True))
    expected = jax.eval_shape(build_task(experiment).init, jax.random.key(0), build_task(experiment).batch_spec)
    assert jax.tree.structure(expected["params"]["encoders_photometry"]["curve"]["encoder"]) == jax.tree.structure(own)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="no encoder of light curves"):
        given(architecture="delight")
    with pytest.raises(ConfigError, match="both given"):
        given(architecture="lcjax-base", weights="w")
    named = AstroM3Experiment(curve_encoder=CurveEncoderConfig(architecture="lcjax-base"))
    with pytest.raises(ConfigError, match="normalised fluxes without their mean"):
        with_curve_encoder(named, True)
    with pytest.raises(ConfigError, match="has no photometry"):
        with_curve_encoder(
            dataclasses.replace(named, model=dataclasses.replace(named.model, modalities=("spectra",))), False
        )
