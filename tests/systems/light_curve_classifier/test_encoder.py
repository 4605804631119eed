"""The encoder under a head: which one, what of it is trained, where its windows end."""

import dataclasses
import json
import re
import shutil

import jax
import numpy as np
import pytest

import lcjax
from lcjax.errors import ConfigError
from lcjax.pretrained.weights_folder import ImportedWeights, arrays_sha256, write_weights
from lcjax.systems.encoder_origin import encoder_task
from lcjax.systems.light_curve_classifier.encoder import (
    encoder_in,
    encoder_variables,
    joined,
    origin_of,
    other_stars,
    parted,
    trained_part,
    with_origin,
)
from lcjax.systems.light_curve_classifier.subset import draw_training
from lcjax.systems.light_curve_classifier.task import build_task
from lcjax.training.tree_paths import path_name
from tests.systems.light_curve_classifier.stars import LENGTH, Split, SubsetConfig, settings


def test_settings_and_hash_of_the_encoder_are_kept(encoder):
    found = with_origin(settings(encoder)).origin
    loaded = lcjax.load(encoder)
    assert found.system == "astromer2" and found.sha256 == arrays_sha256(loaded.variables)
    assert encoder_task(found).batch_spec == loaded.task.batch_spec
    assert encoder_in(loaded) == (found, loaded.variables)


def test_windows_are_no_longer_than_the_encoders(encoder):
    long, short = (dataclasses.replace(settings().window, length=n) for n in (200, 24))
    assert with_origin(settings(encoder, window=long)).window.length == LENGTH
    assert with_origin(settings(encoder, window=short)).window.length == 24


def test_an_encoder_inside_of_a_classifier_is_found(encoder, tmp_path):
    experiment = dataclasses.replace(with_origin(settings(encoder)), class_names=("a", "b"))
    task = build_task(experiment)
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    variables = jax.tree.map(lambda s: np.full(s.shape, 0.5, s.dtype), shapes)
    write_weights(tmp_path / "c", ImportedWeights(experiment, variables, tmp_path, None, [], []))
    outer = settings(tmp_path / "c")
    assert origin_of(outer) == dataclasses.replace(experiment.origin, sha256="")
    own = encoder_variables(outer)
    assert jax.tree.structure(own) == jax.tree.structure(encoder_variables(settings(encoder)))
    assert all((leaf == 0.5).all() for leaf in jax.tree.leaves(own))


def test_variables_come_apart_as_they_were_put_together():
    encoder = {"params": {"a": 1}, "batch_stats": {"m": 2}}
    whole = joined(encoder, {"h": 3})
    assert whole == {"params": {"encoder": {"a": 1}, "head": {"h": 3}}, "batch_stats": {"m": 2}}
    assert parted(whole) == (encoder, {"h": 3})


def trained(encoder, part):
    """Paths of a classifier's parameters that are trained."""
    experiment = with_origin(settings(encoder, train_encoder=part))
    task = encoder_task(experiment.origin)
    params = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)["params"]
    leaves = jax.tree_util.tree_leaves_with_path({"encoder": params, "head": {"encoder": {"block_1": 0}}})
    pattern = trained_part(experiment, task)
    return {path_name(path) for path, _ in leaves if re.search(pattern, path_name(path))}


def test_what_of_the_encoder_is_trained(encoder):
    everything = trained(encoder, "all")
    assert trained(encoder, "none") == {"head/encoder/block_1"} < everything
    last = trained(encoder, "1")
    assert {p.split("/")[1] for p in last} == {"block_1", "encoder"} and "encoder/block_1/query/kernel" in last
    assert {p.split("/")[1] for p in trained(encoder, "2")} == {"block_0", "block_1", "encoder"}
    chosen = trained(encoder, "^embed|block_0/query")
    assert {p.rsplit("/", 1)[0] for p in chosen} == {"encoder/embed", "encoder/block_0/query", "head/encoder"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(train_encoder="3"), "asks for so many last blocks, and this encoder has 2"),
        (dict(train_encoder="0"), "give a number"),
        (dict(train_encoder="blok"), "no parameter of this encoder has 'blok'"),
        (dict(train_encoder="("), "is no regular expression"),
        (dict(encoder=""), "a classifier needs an encoder"),
        (dict(architecture="astromer2-small"), "both given"),
        (dict(encoder="", architecture="astromer2-small"), "must learn with the head"),
        (dict(encoder="", architecture="delight", train_encoder="all"), "is no encoder"),
    ],
)
def test_what_does_not_fit_is_refused(encoder, changes, message):
    with pytest.raises(ConfigError, match=message):
        trained_part(
            *(lambda e: (e, encoder_task(e.origin)))(with_origin(settings(**({"encoder": encoder} | changes))))
        )


def test_raw_heads_take_no_encoder(encoder):
    raw = dataclasses.replace(settings(encoder).head, kind="raw_gru")
    with pytest.raises(ConfigError, match="leave out --encoder"):
        origin_of(settings(encoder, head=raw))
    assert origin_of(settings(head=raw)).system == "astromer2"


def test_an_encoder_that_went_on_learning_on_another_draw_is_named(encoder, tmp_path):
    """Both steps of scenarios a and b take the same stars; with other options they would not, and nothing else would say so."""
    drawn, other = (draw_training(settings(encoder, subset=SubsetConfig(fold=k)), Split()) for k in (0, 1))
    shared = len(
        {n for some in drawn.ids().values() for n in some} & {n for some in other.ids().values() for n in some}
    )
    tuned = settings(shutil.copytree(encoder, tmp_path / "R"))
    path = tmp_path / "R" / "config.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"data": {"stars": drawn.ids()}}))
    assert other_stars(tuned, drawn) == [] and shared < 8
    (said,) = other_stars(tuned, other)
    assert f"8 drawn stars, and {shared} of them are among the 8" in said
    assert other_stars(settings(encoder), drawn) == other_stars(settings(""), drawn) == []
