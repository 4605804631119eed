"""Training of lcjax-base: what the network may see, what its losses reward, and a run that resumes and loads."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.star_encoder import BRIGHTNESS, CENTRE, SURVEY_SCALARS
from lcjax.models.star_encoder_config import PointTokensConfig
from lcjax.systems import build_task
from lcjax.systems.base_encoder import BaseEncoderSystem, parts
from lcjax.systems.base_encoder.config import ContrastConfig
from lcjax.systems.base_encoder.objective import Objective, hidden_scalars
from lcjax.systems.loading import load
from lcjax.systems.masked_pretraining.raw_curves import centred
from lcjax.training import fit
from lcjax.training.workdir import experiment_record
from tests.inference.models import untrained
from tests.systems.base_encoder.small import LENGTH, Stars, answers, model, small
from tests.systems.base_encoder.small import views as views_by_preset


@functools.cache
def reconstructing():
    """(ready, outputs) of a batch, hidden points drawn by one key."""
    one = model()
    reconstruct = one.task.extras["reconstruct"]
    return jax.jit(lambda batch: reconstruct(one.variables, batch, jax.random.key(5)))


def test_nothing_of_a_hidden_point_reaches_predictions_but_its_time():
    batch = Stars(length=LENGTH).batch(3, 0)
    ready, before = reconstructing()(batch)
    hidden = np.asarray(ready["probed"])
    assert hidden.any() and (hidden <= batch["mask"]).all() and not (hidden & np.asarray(ready["visible"])).any()
    changed = dict(batch)
    changed["magnitude"] = np.where(hidden, np.float32(40), batch["magnitude"])
    changed["magnitude_error"] = np.where(hidden, np.float32(7), batch["magnitude_error"])
    for name in ("time", "magnitude", "magnitude_error"):
        changed[name] = np.where(batch["mask"], changed[name], np.float32(-3))
    _, after = reconstructing()(changed)
    assert set(before) >= {"reconstruction", "log_variance", "period_probability", "embedding"}
    for name in before:
        valid = batch["mask"] if np.shape(before[name]) == batch["mask"].shape else ...
        np.testing.assert_array_equal(np.asarray(before[name])[valid], np.asarray(after[name])[valid])
        assert np.isfinite(before[name]).all()
    np.testing.assert_allclose(np.sum(before["period_probability"], 1), 1.0, rtol=1e-5)


def test_the_time_of_a_hidden_point_moves_its_own_prediction_and_no_other():
    batch = Stars(length=LENGTH).batch(3, 0)
    ready, before = reconstructing()(batch)
    # A hidden point inside the curve, so that no other counts its time from another beginning.
    hidden = np.asarray(ready["probed"]).copy()
    hidden[:, 0] = False
    row = int(np.argmax(hidden.any(1)))
    point = int(np.argmax(hidden[row]))
    moved = batch["time"].copy()
    moved[row, point] += 0.37
    _, after = reconstructing()({**batch, "time": moved})
    np.testing.assert_array_equal(before["embedding"], after["embedding"])
    change = np.abs(np.asarray(before["reconstruction"]) - np.asarray(after["reconstruction"]))
    others = batch["mask"].copy()
    others[row, point] = False
    assert change[row, point] > 0 and not change[others].any()


def test_embeddings_do_not_depend_on_padding_company_or_brightness():
    one = model()
    predict = lambda batch: answers()(batch)[1]
    batch = {name: Stars(length=LENGTH).batch(1, 0)[name] for name in one.task.batch_spec}
    whole = np.asarray(predict(batch)["embedding"])
    order = np.arange(8)[::-1]
    turned = np.asarray(predict({name: value[order] for name, value in batch.items()})["embedding"])
    np.testing.assert_allclose(turned, whole[order], atol=1e-4)
    brighter = {**batch, "magnitude": np.where(batch["mask"], batch["magnitude"] - 2, 0).astype(np.float32)}
    np.testing.assert_allclose(predict(brighter)["embedding"], whole, atol=2e-2)
    assert np.abs(whole - whole[:1]).max() > 0.1


def test_encode_gives_the_embedding_at_every_point():
    one = model()
    batch = {name: Stars(length=LENGTH).batch(1, 0)[name] for name in one.task.batch_spec}
    batch = centred(batch)  # as `predict` does: rounding would move phases
    encoded, predicted = answers()(batch)
    assert len(encoded["layers"]) == one.experiment.model.num_layers + 1
    mask = np.asarray(encoded["mask"])
    mean = (np.asarray(encoded["layers"][-1]) * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    np.testing.assert_allclose(mean, predicted["embedding"], atol=2e-3)
    kept = parts.packed(
        views_by_preset()(parts.points_of(batch))
    )  # what a head learns from whose encoder is not frozen
    found = one.task.encode(one.variables, {"views": kept, "mask": np.ones((len(mask), 1), bool)})
    np.testing.assert_allclose(found["layers"][-1][:, 0], predicted["embedding"], atol=2e-2)


def test_parts_have_no_common_point_and_depend_on_row_and_key_alone():
    batch = {"mask": np.arange(40) < np.array([40, 20, 3, 1])[:, None], "row": np.array([7, 2, 9, 4])}
    first = np.asarray(parts.first_part(jax.random.key(0), batch, (0.5,)))
    assert first.sum(1).tolist() == [20, 10, 2, 1] and (first <= batch["mask"]).all()
    alone = {name: value[1:2] for name, value in batch.items()}
    np.testing.assert_array_equal(parts.first_part(jax.random.key(0), alone, (0.5,))[0], first[1])
    assert (first != np.asarray(parts.first_part(jax.random.key(1), batch, (0.5,)))).any()
    with pytest.raises(ConfigError, match="each must be between 0 and 1"):
        ContrastConfig(shares=(0.5, 1.0))


def test_views_survive_being_packed():
    settings = small()
    batch = {name: Stars(length=LENGTH).batch(1, 0)[name] for name in parts.SERIES}
    views = views_by_preset()(batch)
    back = parts.unpacked(parts.packed(views), parts.grid_of(settings))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-4), views, back)
    hidden = hidden_scalars(views, {"mask": batch["mask"]}, jax.random.key(0), 1.0, None).scalars
    np.testing.assert_allclose(
        hidden[:, SURVEY_SCALARS], np.tile(np.array(CENTRE)[list(SURVEY_SCALARS)], (8, 1)), rtol=1e-6
    )
    kept = [i for i in range(hidden.shape[1]) if i not in SURVEY_SCALARS]
    np.testing.assert_array_equal(hidden[:, kept], views.scalars[:, kept])
    assert BRIGHTNESS in kept


def test_a_run_learns_resumes_exactly_and_loads(tmp_path, monkeypatch):
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
    from lcjax.systems import find_system

    settings = small(prepared=True)
    settings = dataclasses.replace(settings, optimizer=dataclasses.replace(settings.optimizer, schedule="constant"))
    source = find_system("base_encoder").matched(settings, Stars(length=LENGTH), training=True)
    task = build_task(settings)
    run = lambda folder, settings: fit(
        task, settings, source, source, folder, config_record=experiment_record(settings), quiet=True
    )
    run(tmp_path / "whole", settings)
    half = dataclasses.replace(settings, training=dataclasses.replace(settings.training, steps=2))
    assert run(tmp_path / "again", half).step == 2 and run(tmp_path / "again", settings).step == 4
    one, two = load(tmp_path / "whole"), load(tmp_path / "again")
    jax.tree.map(np.testing.assert_array_equal, one.variables, two.variables)
    assert one.experiment.model == settings.model


def test_bands_that_nothing_joins_are_refused():
    settings = small()
    encoder = dataclasses.replace(settings.model.encoder, bands=3)
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, encoder=encoder))
    with pytest.raises(ConfigError, match=r"contrast\.prepared True"):
        BaseEncoderSystem().matched(settings, Stars(length=LENGTH), training=True)


@functools.cache
def distilled():
    """A small encoder with tokens of points that foretells its own slow copy: (jitted loss, batch in two parts, variables)."""
    settings = small(prepared=True)
    tokens = PointTokensConfig(points=8, width=8, heads=2, blocks=1)
    encoder = dataclasses.replace(settings.model.encoder, tokens=tokens)
    settings = dataclasses.replace(
        settings,
        model=dataclasses.replace(settings.model, encoder=encoder),
        objective=dataclasses.replace(settings.objective, distillation=3.0, momentum=0.75, likelihood_rows=0),
    )
    task, variables = untrained(settings)
    batch = {name: Stars(length=LENGTH).batch(1, 0)[name] for name in task.batch_spec}
    first = batch["mask"] & (np.arange(LENGTH) % 2 > 0)
    packed = lambda part: parts.packed(views_by_preset()({**parts.points_of(batch), "visible": part}))
    batch |= {"first": first, "first_views": packed(first), "second_views": packed(batch["mask"] & ~first)}
    state = {name: value for name, value in variables.items() if name != "params"}
    run = jax.jit(lambda batch: task.updates[0].loss(variables["params"], state, batch, jax.random.key(1)))
    return run, batch, variables


def mean(name, metrics):
    return float(metrics[name][0] / metrics[name][1])


def test_distillation_is_in_the_loss_and_the_teacher_follows_by_its_momentum():
    run, batch, variables = distilled()
    params, teacher = variables["params"], variables["teacher"]
    assert jax.tree.structure(teacher) == jax.tree.structure(params["encode_star"])
    value, (metrics, after) = run(batch)
    assert mean("distillation", metrics) > 0.01
    assert float(value) == pytest.approx(mean("contrast", metrics) + 3.0 * mean("distillation", metrics), rel=1e-4)
    expected = jax.tree.map(lambda old, new: 0.75 * old + 0.25 * new, teacher, params["encode_star"])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), after["teacher"], expected)


def test_tokens_of_a_part_are_its_own_points():
    """The embeddings of first parts, whose rank is measured, do not move with a point of the second, whose contrast does."""
    run, batch, _ = distilled()
    before = run(batch)[1][0]
    second = batch["mask"] & ~batch["first"]
    changes = [np.where(part, batch["magnitude"][:, ::-1] + 2, batch["magnitude"]) for part in (second, batch["first"])]
    of_second, of_first = (run({**batch, "magnitude": np.float32(change)})[1][0] for change in changes)
    assert mean("rank", of_second) == mean("rank", before) != mean("rank", of_first)
    assert mean("contrast", of_second) != mean("contrast", before)


def test_each_part_foretells_the_other():
    """Of a network that answers what it is told to: nothing is lost where the first says what the teacher makes of the second, and back."""
    one, two = (np.random.default_rng(i).normal(size=(4, 3)).astype(np.float32) for i in range(2))

    class Told:
        def apply(self, variables, given, method, axis=None):
            return {"projection": given["said"]} if method == "encode" else given

    objective = Objective(small(), Told())
    distilled = lambda both: objective.distilled({}, {}, [{"said": one}, {"said": two}], both, np.ones(4), None)
    assert float(distilled((two, one))) < 1e-5
    assert float(distilled((one, two))) > 0.1 and float(distilled((two, two))) > 0.1


def test_the_teacher_is_for_training_alone():
    settings = small()
    taught = dataclasses.replace(settings, objective=dataclasses.replace(settings.objective, distillation=1.0))
    assert build_task(taught).training_only == ("teacher",) and build_task(settings).training_only == ()
