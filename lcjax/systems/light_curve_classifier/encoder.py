"""The encoder under a head: where it comes from, what is trained of it, and its place among the variables of the model."""

import dataclasses
import json
import re

import jax

from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.models.light_curve_head_config import RAW_HEADS
from lcjax.pretrained.weights_folder import arrays_sha256
from lcjax.systems.encoder_origin import OriginConfig, encoder_experiment, preset_origin, trained_origin
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.subset import Subset
from lcjax.systems.loading import load, locate
from lcjax.training.task import Task
from lcjax.training.tree_paths import path_name
from lcjax.training.workdir import read_record
from lcjax.typing import PyTree

OWN = "light_curve_classifier"
RAW_ARCHITECTURE = "astromer2-survey"
"""Whose windows and batches heads without an encoder take."""


def is_given(experiment: LightCurveClassifierExperiment) -> None:
    """Makes sure that the settings name one encoder, or none where none is needed.

    Raises:
      ConfigError: they do not.
    """
    given = [name for name in ("encoder", "architecture") if getattr(experiment, name)]
    if experiment.raw and given:
        raise ConfigError(f"the head '{experiment.head.kind}' reads the light curve itself: leave out --{given[0]}")
    if len(given) > 1:
        raise ConfigError("--encoder and --architecture are both given: one is a trained encoder, the other a new one")
    if experiment.architecture and experiment.frozen and experiment.learns == "classes":
        raise ConfigError("an encoder with random weights must learn with the head: give --train-encoder all")
    if not given and not experiment.raw:
        raise ConfigError(
            "a classifier needs an encoder: give --encoder W (a workdir or a published name, see lcjax weights list), or "
            "--architecture PRESET for one with random weights"
        )


def origin_of(experiment: LightCurveClassifierExperiment) -> OriginConfig:
    """System and settings of the encoder; without the hash, which needs its weights.

    Raises:
      ConfigError, WeightsError, CheckpointError: there is no such encoder.
    """
    is_given(experiment)
    if not experiment.encoder:
        return preset_origin(experiment.architecture or RAW_ARCHITECTURE)
    record = read_record(locate(experiment.encoder))
    if record["system"] == OWN:
        inner = record["experiment"]
        origin = OriginConfig(inner["origin"]["system"], inner["origin"]["settings"])
        return _inner(experiment.encoder, inner["head"]["kind"], origin)
    return trained_origin(experiment.encoder)


def _inner(name: str, head: str, origin: OriginConfig) -> OriginConfig:
    """The encoder of a classifier.

    Raises:
      ConfigError: it has none.
    """
    if head in RAW_HEADS:
        raise ConfigError(f"'{name}' is a classifier without an encoder: give another encoder")
    return origin


def encoder_in(loaded: Loaded) -> tuple[OriginConfig, PyTree]:
    """System, settings and hash of a loaded encoder, and its variables; of a classifier the encoder inside.

    Raises:
      ConfigError: a classifier without an encoder.
    """
    experiment, variables = loaded.experiment, loaded.variables
    if isinstance(experiment, LightCurveClassifierExperiment):
        origin = _inner(str(loaded.folder), experiment.head.kind, experiment.origin)
        variables = parted(variables)[0]
    else:
        origin = OriginConfig(experiment.system, json.dumps(dataclasses.asdict(experiment), sort_keys=True))
    return dataclasses.replace(origin, sha256=arrays_sha256(variables)), variables


def encoder_variables(experiment: LightCurveClassifierExperiment) -> PyTree | None:
    """The weights of the encoder as they come; None: random ones, or no encoder."""
    return encoder_in(load(experiment.encoder))[1] if experiment.encoder else None


def with_origin(
    experiment: LightCurveClassifierExperiment, origin: OriginConfig | None = None
) -> LightCurveClassifierExperiment:
    """The experiment with its encoder's settings and hash, and windows no longer than the encoder's.

    Args:
      origin: of an encoder at hand; None: the one that the settings name.
    """
    if origin is None:
        origin = origin_of(experiment)
        if experiment.encoder:
            origin = dataclasses.replace(origin, sha256=encoder_in(load(experiment.encoder))[0].sha256)
    return dataclasses.replace(capped(experiment, origin), origin=origin)


def other_stars(experiment: LightCurveClassifierExperiment, drawn: Subset) -> list[str]:
    """A sentence where the encoder went on learning on a draw of labelled stars, and not on the one at hand.

    Scenarios a and b of Astromer 1 (A&A 670, A54) take the same stars in both steps.
    """
    if not experiment.encoder:
        return []
    theirs = read_record(locate(experiment.encoder)).get("data", {}).get("stars")
    if not theirs:
        return []
    names = lambda stars: {name for some in stars.values() for name in some}
    before, now = names(theirs), names(drawn.ids())
    if before == now:
        return []
    return [
        f"'{experiment.encoder}' learned from {len(before):,} drawn stars, and {len(before & now):,} of them are among the {len(now):,} of "
        "this draw: for the same stars give both commands the same --samples-per-class, --classes, --seed and --subset"
    ]


def capped(experiment: LightCurveClassifierExperiment, origin: OriginConfig) -> LightCurveClassifierExperiment:
    """Windows no longer than those the encoder knows."""
    longest = encoder_experiment(origin).window.length
    length = experiment.window.length if experiment.raw else min(longest, experiment.window.length)
    buckets = tuple(b for b in experiment.window.buckets if b < length)
    window = dataclasses.replace(experiment.window, length=length, buckets=(*buckets, length) if buckets else ())
    return dataclasses.replace(experiment, window=window)


def joined(encoder: PyTree, head: PyTree | None) -> PyTree:
    """Variables of a classifier: parameters under `encoder` and `head`, the encoder's other collections beside them."""
    others = {name: value for name, value in encoder.items() if name != "params"}
    params = {"encoder": encoder["params"]} | ({} if head is None else {"head": head})
    return {"params": params, **others}


def parted(variables: PyTree) -> tuple[PyTree, PyTree]:
    """Variables of the encoder, and parameters of the head."""
    others = {name: value for name, value in variables.items() if name != "params"}
    return {"params": variables["params"].get("encoder", {}), **others}, variables["params"].get("head", {})


def trained_part(experiment: LightCurveClassifierExperiment, task: Task) -> str:
    """Regular expression of the paths of all parameters that are trained.

    Raises:
      ConfigError: the encoder has no such blocks or parameters.
    """
    wanted = experiment.train_encoder
    if experiment.raw or wanted == "none":
        return "^head/"
    if wanted == "all":
        return ""
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)["params"]
    paths = [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(shapes)]
    blocks = sorted({int(found[1]) for path in paths if (found := re.search(r"(?:^|/)block_(\d+)/", path))})
    if wanted.isdigit():
        if not 0 < int(wanted) <= len(blocks):
            raise ConfigError(
                f"--train-encoder {wanted} asks for so many last blocks, and this encoder has {len(blocks)}: give a number "
                "from 1 to that, none, all, or a regular expression"
            )
        last = "|".join(map(str, blocks[-int(wanted) :]))
        return rf"^head/|^encoder/(?:.*/)?block_(?:{last})/"
    try:
        chosen = [re.escape(path) for path in paths if re.search(wanted, path)]
    except re.error as error:
        raise ConfigError(f"--train-encoder '{wanted}' is no regular expression: {error}") from None
    if not chosen:
        raise ConfigError(
            f"no parameter of this encoder has '{wanted}' in its path (one is called '{paths[0]}'): give another "
            "--train-encoder"
        )
    return rf"^head/|^encoder/(?:{'|'.join(chosen)})$"
