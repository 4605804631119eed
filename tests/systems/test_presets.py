"""Every published configuration builds a task whose functions fit together, whatever the system."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import pytest

from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.systems import PRESETS, build_task, find_system
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.astrom3.fitting import fitted
from lcjax.systems.deep_clash.config import DeepClashExperiment
from lcjax.systems.domain_adaptation import light_curves
from lcjax.systems.domain_adaptation.config import CurveAdaptationExperiment
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.encoder import with_origin
from lcjax.systems.svdd.config import SvddExperiment


def completed(experiment):
    """With what a run takes from its data and its options."""
    if isinstance(experiment, SvddExperiment):
        names = {"feature_names": ("x", "y", "z"), "class_names": ("a", "b")}
        return dataclasses.replace(experiment, inputs=dataclasses.replace(experiment.inputs, **names))
    if isinstance(experiment, AstroM3Experiment):
        data = types.SimpleNamespace(
            metadata_names=(*PHOTOMETRIC, *METADATA),
            class_names=("a", "b"),
            spectrum_lengths=(experiment.model.spectra.length,),
            spectrum_grids=((3850.0, 9000.0),),
            n_points=100,
            batches_per_epoch=10,
            standardised=True,
        )
        return fitted(experiment, data)
    if isinstance(experiment, CurveAdaptationExperiment):
        return light_curves.with_origin(dataclasses.replace(experiment, architecture="astromer2-small"))
    if not isinstance(experiment, LightCurveClassifierExperiment):
        return experiment
    encoder = (
        {} if experiment.raw or experiment.architecture else {"architecture": "astromer2-small", "train_encoder": "all"}
    )
    given = with_origin(dataclasses.replace(experiment, class_names=("a", "b"), **encoder))
    return find_system(given.system).run_as(given)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_builds_a_task_whose_functions_trace(preset):
    preset = PRESETS[preset]()
    experiment = completed(preset)
    task = build_task(experiment)
    key = jax.eval_shape(jax.random.key, 0)
    rows = len(jax.tree.leaves(task.batch_spec)[0])
    integer = jax.ShapeDtypeStruct((rows,), jnp.int32)
    number = jax.ShapeDtypeStruct((rows,), jnp.float32)
    pair = jax.ShapeDtypeStruct((rows, 2), jnp.float32)
    targets = {"label": integer, "offset": pair, "hostless": number, "host_radius": number}
    batch = {"weight": number, "row": integer, **targets, **task.batch_spec}
    variables = jax.eval_shape(task.init, key, batch)
    model_state = {name: tree for name, tree in variables.items() if name != "params"}

    streams = {**batch, "target": batch, "unlabelled": batch}  # of adaptation between domains
    if isinstance(experiment, DeepClashExperiment):
        votes = jax.ShapeDtypeStruct((rows, experiment.model.num_classes), jnp.float32)
        batch = streams = {**batch, "target": votes}
    metrics = {}
    for update in task.updates:
        loss, (found, new_state) = jax.eval_shape(update.loss, variables["params"], model_state, streams, key)
        assert loss.shape == () and loss.dtype == jnp.float32
        assert jax.tree.structure(new_state) == jax.tree.structure(model_state)
        metrics |= found
    assert "loss" in metrics
    assert "loss" in jax.eval_shape(task.evaluate, variables, batch, key)
    outputs = jax.eval_shape(task.predict, variables, batch)
    assert outputs and all(value.shape[0] == rows for value in outputs.values())
    assert task.flops is None or task.flops(2, 200) > 0
    assert find_system(preset.system).experiment is type(preset)
