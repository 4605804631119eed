"""Training of the study's variants: what their losses may see, what presets and options build, workdirs that load."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.models.positional_config import CADENCE_RATIOS, VARIANTS
from lcjax.systems import PRESETS, build_task, find_system
from lcjax.systems.loading import load
from lcjax.systems.masked_pretraining.evaluation import held_out_stars
from lcjax.systems.masked_pretraining.pictures import attention
from lcjax.systems.masked_pretraining.reconstruction import window_attention
from lcjax.systems.masked_pretraining.task import prepare_windows, reconstruction_outputs
from lcjax.systems.positional_study.config import FrequencyOptions
from lcjax.systems.positional_study.presets import MEANING, preset_name
from lcjax.training import fit
from lcjax.training.workdir import experiment_record
from tests.inference.models import untrained
from tests.systems.masked_pretraining.test_evaluation import ROWS, Curves
from tests.training.curves import CurveSource

LENGTH = 24


def small(positional, **more):
    """The preset of a variant, cut down."""
    preset = PRESETS[preset_name(positional)]()
    model = dataclasses.replace(
        preset.model, width=8, num_heads=2, ffn_width=8, hidden=8, harmonics=4, min_period=1.0, **more
    )
    window = dataclasses.replace(preset.window, length=LENGTH)
    return dataclasses.replace(preset, model=model, window=window)


@functools.cache
def loaded(positional):
    settings = small(positional)
    return Loaded(settings, *untrained(settings))


def test_every_variant_has_a_preset_that_says_what_it_is():
    assert set(MEANING) == set(VARIANTS)
    for name in VARIANTS:
        preset = PRESETS[preset_name(name)]
        assert preset().model.positional == name and MEANING[name] in preset.__doc__
        assert f"lcjax train {preset_name(name)}" in preset.__doc__
    assert "0.0850 mag and R2 0.762" in PRESETS["positional-fixed"].__doc__


@pytest.mark.parametrize("positional", ["fixed", "mixed", "recurrent", "rotary", "pea"])
def test_strict_predictions_see_no_hidden_magnitude_and_no_padding(positional):
    """From raw windows on: masks, means, randomised points and network together."""
    model = loaded(positional)
    batch = CurveSource(length=LENGTH).batch(3, 0)
    masking = model.experiment.masking

    @jax.jit
    def network(batch):
        ready = prepare_windows(batch, model.experiment, masking, jax.random.key(7))
        return ready, reconstruction_outputs(ready, model.task.model.apply(model.variables, ready))

    ready, before = network(batch)
    hidden = batch["mask"] & ~np.asarray(ready["visible"])
    assert hidden.any()
    changed = dict(batch)
    changed["magnitude"] = np.where(hidden, np.float32(40), batch["magnitude"])
    for name in ("time", "magnitude", "magnitude_error"):
        changed[name] = np.where(batch["mask"], changed[name], np.float32("nan"))
    after = network(changed)[1]["prediction"]
    np.testing.assert_array_equal(np.asarray(before["prediction"])[batch["mask"]], np.asarray(after)[batch["mask"]])


@pytest.mark.parametrize("positional", ["fixed", "pea"])
def test_the_mean_of_the_last_layer_is_the_embedding(positional):
    model = loaded(positional)
    batch = {name: CurveSource(length=LENGTH).batch(5, 0)[name] for name in model.task.batch_spec}
    encoded = jax.jit(model.task.encode)(model.variables, batch)
    assert len(encoded["layers"]) == model.experiment.model.num_layers + 1
    mask = np.asarray(encoded["mask"])
    mean = (np.asarray(encoded["layers"][-1]) * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    np.testing.assert_allclose(mean, jax.jit(model.task.predict)(model.variables, batch)["embedding"], atol=1e-4)


def test_a_few_updates_lower_the_loss_and_the_workdir_loads(tmp_path):
    settings = small("rotary")
    training = dataclasses.replace(
        settings.training, steps=30, batch_size=8, evaluate_every=30, checkpoint_every=30, log_every=10
    )
    settings = dataclasses.replace(settings, training=training)
    task, source = build_task(settings), CurveSource(8, LENGTH)
    batch = source.batch(0, 0)
    value = jax.jit(lambda variables: task.loss(variables["params"], {}, batch, jax.random.key(1))[0])
    before = value(jax.jit(task.init)(jax.random.key(0), batch))
    fit(task, settings, source, source, tmp_path, config_record=experiment_record(settings), quiet=True)
    found = load(tmp_path)
    assert found.experiment.model == settings.model
    assert value(found.variables) < before


def test_frequencies_follow_the_cadence_as_asked():
    model, system = loaded("fixed"), find_system("positional_study")
    ask = lambda ratio: {"frequencies": FrequencyOptions(ratio)}
    assert system.corrected(model, {}) is model and system.corrected(model, ask(None)) is model
    batch = CurveSource(length=LENGTH).batch(1, 0)
    batch = {name: batch[name] for name in model.task.batch_spec}
    embed = lambda m, b: np.asarray(jax.jit(m.task.predict)(m.variables, b)["embedding"])
    slower = {**batch, "time": batch["time"] * np.float32(CADENCE_RATIOS["ogle"])}
    corrected = system.corrected(model, ask(CADENCE_RATIOS["ogle"]))
    np.testing.assert_allclose(embed(corrected, batch), embed(model, slower), atol=1e-3)
    assert np.abs(embed(corrected, batch) - embed(model, batch)).max() > 1e-3
    with pytest.raises(ConfigError, match="positional 'mlp' has none"):
        system.corrected(loaded("mlp"), ask(0.8))


def test_parity_weights_can_be_scored_strictly():
    settings = small("tupe", parity=True)
    model = Loaded(settings, *untrained(settings))
    strict = find_system("positional_study").strictly(model)
    assert model.task.full_length and not strict.task.full_length
    assert not strict.experiment.model.parity and strict.experiment.model.positional == "tupe"


def test_the_report_shows_what_a_hidden_point_looks_at():
    data = Curves(ROWS, LENGTH)
    of_time, without = loaded("rotary"), loaded("none")
    held_out = held_out_stars(of_time, data)
    (picture,) = attention(of_time, held_out.windows)
    assert len(picture.draw().axes) == 5
    window = held_out.windows[0]
    weights = window_attention(of_time.task, of_time.variables, *window["batch"])
    assert weights.shape == (2, len(window["time"]), len(window["time"]))
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert not np.allclose(weights, window_attention(without.task, without.variables, *window["batch"]))
