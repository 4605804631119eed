"""What the system makes of data and settings, without a training run."""

import dataclasses

import jax
import numpy as np
import pytest

import lcjax
from lcjax.errors import ConfigError
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.pretrained.weights_folder import arrays_sha256
from lcjax.systems import System, find_system
from lcjax.systems.light_curve_classifier.encoder import joined, parted, with_origin
from lcjax.systems.light_curve_classifier.presets import PRESETS
from lcjax.systems.light_curve_classifier.system import in_memory, keeps_encoded
from lcjax.systems.light_curve_classifier.task import build_task
from lcjax.systems.light_curve_classifier.windows import DrawnWindows
from tests.systems.light_curve_classifier.stars import LENGTH, Split, settings

SYSTEM = find_system("light_curve_classifier")


def test_a_few_stars_are_held_in_memory_and_encoded_where_the_encoder_is_frozen(encoder):
    for part, entries in (("none", True), ("1", False)):
        experiment = settings(encoder, train_encoder=part)
        source = SYSTEM.matched(experiment, Split(), training=True)
        assert isinstance(source, DrawnWindows) and source.class_names == ("flat", "sine")
        assert ("encoded" in source.windows) == entries
        assert source.windows["mask"].shape[1] == LENGTH


def test_a_head_that_reads_every_point_is_given_those_of_a_frozen_encoder(encoder):
    """What the head reads of them is what the encoder gives in the step, so losses and gradients are the same."""
    head = HeadConfig("lstm_att", units=4)
    experiment = SYSTEM.adapt(settings(encoder, head=head), Split())
    (_, batch) = next(SYSTEM.matched(experiment, Split(), training=True).train_batches())
    rows, _, points, _ = batch["encoded"].shape
    assert (rows, points) == batch["mask"].shape
    task = build_task(experiment)
    variables = SYSTEM.initial_variables(experiment)
    params = {**jax.jit(task.init)(jax.random.key(0), task.made_up(2))["params"], **variables["params"]}
    loss = jax.jit(
        jax.value_and_grad(lambda params, batch: task.updates[0].loss(params, {}, batch, jax.random.key(1))[0])
    )
    bare = {name: value for name, value in batch.items() if not name.startswith("encoded")}
    usable = lambda batch: {name: value for name, value in batch.items() if np.asarray(value).dtype.kind in "fiub"}
    (kept, kept_slope), (again, slope) = (loss(params, usable(one)) for one in (batch, bare))
    assert float(kept) == pytest.approx(float(again), rel=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5), kept_slope["head"], slope["head"])
    everything = settings(encoder, head=head, samples_per_class=None)
    assert not keeps_encoded(everything) and not in_memory(everything)


def test_everything_is_streamed_where_the_encoder_learns(encoder):
    experiment = settings(encoder, train_encoder="all", samples_per_class=None, classes=("sine", "rare"))
    data = Split()
    assert SYSTEM.matched(experiment, data, training=True) is data
    assert data._numbers == [-1, 0, 1, -1]
    adapted = SYSTEM.adapt(experiment, data)
    assert adapted.class_names == ("sine", "rare") and adapted.origin.sha256
    assert (
        SYSTEM.source_settings(dataclasses.replace(experiment, window=settings().window), True)["window"].length
        == LENGTH
    )


def test_training_windows_in_memory_are_cut_as_training_says(encoder):
    window = dataclasses.replace(settings().window, mode="published", evaluation_mode="sequential")
    experiment = settings(encoder, window=window)
    assert SYSTEM.source_settings(experiment, True)["window"].evaluation_mode == "published"
    assert SYSTEM.source_settings(experiment, False)["window"].evaluation_mode == "sequential"
    random = dataclasses.replace(window, mode="random")
    with pytest.raises(ConfigError, match="sequential or published"):
        SYSTEM.source_settings(settings(encoder, window=random), True)
    streamed = settings(encoder, window=random, samples_per_class=None, train_encoder="all")
    assert SYSTEM.source_settings(streamed, True)["window"].mode == "random"


def test_what_was_drawn_and_what_was_left_out_is_said(encoder):
    experiment, data = settings(encoder), Split(bands=("V", "I"))
    data.labels[0] = 1
    said = SYSTEM.notes(experiment, SYSTEM.matched(experiment, data, training=True))
    assert said[0] == "learning from 8 stars: 4 flat, 4 sine"
    assert "rare (2)" in said[1] and said[2].endswith("different classes: 1")
    short = with_origin(dataclasses.replace(experiment, window=dataclasses.replace(experiment.window, length=16)))
    assert f"--window.length {LENGTH} shows it more" in SYSTEM.notes(short, data)[0]
    assert SYSTEM.notes(with_origin(experiment), data) == []


def test_a_frozen_encoder_is_the_one_given_also_under_a_head_to_go_on_from(encoder, tmp_path, monkeypatch):
    """What is kept of the windows is of `--encoder`; so must the weights be."""
    other = joined({"params": {"x": np.ones(1)}}, {"h": np.full(1, 7.0)})
    monkeypatch.setattr(System, "initial_variables", lambda self, experiment, given: given)
    frozen = SYSTEM.initial_variables(settings(encoder), other)
    assert arrays_sha256(parted(frozen)[0]) == arrays_sha256(lcjax.load(encoder).variables)
    assert frozen["params"]["head"]["h"] == 7
    assert SYSTEM.initial_variables(settings(encoder, train_encoder="all"), other) is other


def test_reconstruction_runs_as_the_encoders_own_system(encoder):
    experiment = SYSTEM.adapt(
        settings(encoder, preset="few-shot-reconstruction"),
        SYSTEM.matched(settings(encoder, preset="few-shot-reconstruction"), Split(), training=True),
    )
    run = SYSTEM.run_as(experiment)
    loaded = lcjax.load(encoder)
    assert run.system == "astromer2" and run.model == loaded.experiment.model
    assert run.training.initial_weights == str(encoder) and run.window.mode == "sequential"
    assert arrays_sha256(SYSTEM.initial_variables(experiment)) == arrays_sha256(loaded.variables)
    assert SYSTEM.run_as(settings(encoder)) == settings(encoder)


def test_presets_say_their_command():
    for name, preset in PRESETS.items():
        assert f"lcjax train {name} " in preset.__doc__ and preset().system == "light_curve_classifier"
        assert (preset().learns == "reconstruction") == (name == "few-shot-reconstruction")


def test_what_to_try_next_names_an_encoder_where_one_is_needed():
    said = {name: SYSTEM.next_steps("W", name) for name in ("", "few-shot-astromer1-b", *PRESETS)}
    assert all(
        "--encoder E --data D --subset.fold 1" in said[name] for name in ("", "few-shot", "few-shot-astromer1-b")
    )
    assert not any("--encoder" in said[name] for name in ("light-curve-gru", "light-curve-transformer"))
