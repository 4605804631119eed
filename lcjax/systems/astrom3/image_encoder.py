"""Stamps and images of hosts as modalities: what they are in the data, and trained networks of the library as their encoders."""

import dataclasses
from typing import TYPE_CHECKING

import jax
import numpy as np

from lcjax.errors import ConfigError
from lcjax.models.astrom3_config import IMAGES, ImageConfig
from lcjax.models.image_trunks import check_sizes, example_images, image_trunk
from lcjax.systems.astrom3.config import AstroM3Experiment, ImageEncoderConfig
from lcjax.systems.encoder_origin import encoder_experiment, trained_origin
from lcjax.systems.loading import load
from lcjax.training.checkpoint_io import flatten, nest
from lcjax.typing import PyTree

if TYPE_CHECKING:
    from lcjax.systems.astrom3 import MultimodalData

_STAMPS = ("science", "template", "difference")
"""Channels that the stamp networks of the library learned from, in their order."""
_WORDS = {"stamps": "stamps", "host": "host images"}


def encoder_of(experiment: AstroM3Experiment, modality: str) -> ImageEncoderConfig:
    """What is said of the encoder of a modality that is images."""
    return experiment.stamp_encoder if modality == "stamps" else experiment.host_encoder


def images_of(experiment: AstroM3Experiment) -> dict[str, ImageConfig]:
    """Modalities of the model that are images -> settings."""
    return {name: getattr(experiment.model, name) for name in IMAGES if name in experiment.model.modalities}


def with_images(experiment: AstroM3Experiment, data: "MultimodalData") -> AstroM3Experiment:
    """The experiment with sizes and channels of the data's images, and the layers of the trained networks it names.

    Raises:
      ConfigError: images that the data does not have, or that a trained network or the layers do not fit.
    """
    model = experiment.model
    for modality in IMAGES:
        given = encoder_of(experiment, modality)
        if modality not in model.modalities:
            if given.weights or given.frozen:
                raise ConfigError(
                    f"--{modality.removesuffix('s')}-encoder encodes {_WORDS[modality]}, and --model.modalities has no {modality}"
                )
            continue
        if modality not in data.image_shapes:
            raise ConfigError(f"this data has no {_WORDS[modality]}: leave {modality} out of --model.modalities")
        *size, channels = data.image_shapes[modality]
        top = data.image_scales[modality]
        config = dataclasses.replace(
            getattr(model, modality),
            size=tuple(size),
            channels=channels,
            channel_names=tuple(data.image_channels.get(modality, ())),
            full_scale=top if np.isfinite(top) else 0.0,
        )
        if config.scale == "full_scale" and not config.full_scale:
            raise ConfigError(
                f"--model.{modality}.scale full_scale is for pictures, and the {_WORDS[modality]} of this data are fluxes: take min_max"
            )
        if given.weights:
            config = _trained(config, given.weights, modality)
        elif given.frozen:
            raise ConfigError(
                f"--{modality.removesuffix('s')}-encoder.frozen needs weights: give --{modality.removesuffix('s')}-encoder.weights"
            )
        check_sizes(config, f"--model.{modality}")
        model = dataclasses.replace(model, **{modality: config})
    return dataclasses.replace(experiment, model=model)


def _trained(config: ImageConfig, weights: str, modality: str) -> ImageConfig:
    """The settings with the layers and the preparation of a trained network."""
    origin = trained_origin(weights)
    inner = encoder_experiment(origin)
    if origin.system in ("stamp_classifier", "multiscale_stamps") and config.channel_names != _STAMPS:
        raise ConfigError(
            f"'{weights}' ({origin.system}) learned from {' '.join(_STAMPS)}, and the {_WORDS[modality]} of this data have the channels "
            f"{' '.join(config.channel_names) or 'nobody tells'}"
        )
    if origin.system == "stamp_classifier":
        layers = dataclasses.replace(inner.model, num_features=0, head=())  # type: ignore[attr-defined]
        return dataclasses.replace(
            config,
            network="stamp_classifier",
            stamp=layers,
            crop=inner.inputs.crop,  # type: ignore[attr-defined]
            scale="min_max",
        )
    if origin.system == "multiscale_stamps":
        inputs = inner.inputs  # type: ignore[attr-defined]
        if inputs.scenario == "rings" or inputs.fourier != "none":
            raise ConfigError(
                f"'{weights}' sees {inputs.scenario} stamps, Fourier amplitudes {inputs.fourier}: give one that sees pixels alone"
            )
        return dataclasses.replace(config, network="multiscale", multiscale=inner.model, scenario=inputs.scenario,  # type: ignore[attr-defined]
                                   level_side=inputs.size, levels=inputs.levels)  # fmt: skip
    if origin.system == "delight":
        # One set of weights for all planes: how many there are is for these images to say.
        return dataclasses.replace(config, network="delight", delight=inner.model)  # type: ignore[attr-defined]
    raise ConfigError(
        f"'{weights}' ({origin.system}) is no network of images: give a stamp classifier, a multi-scale one or a DELIGHT"
    )


def image_variables(experiment: AstroM3Experiment) -> PyTree:
    """The trained weights that are named, at their places among the variables; {} where none are.

    Raises:
      ConfigError: they lack a layer of the encoder. WeightsError, CheckpointError: there are no weights.
    """
    found = {}
    for modality, config in images_of(experiment).items():
        name = encoder_of(experiment, modality).weights
        if not name:
            continue
        given = flatten({"params": load(name).variables["params"]})
        trunk = image_trunk(config)
        expected = flatten(
            jax.eval_shape(lambda trunk=trunk, config=config: trunk.init(jax.random.key(0), example_images(config, 2)))
        )
        for path, leaf in expected.items():
            if path not in given or np.shape(given[path]) != tuple(leaf.shape):
                raise ConfigError(
                    f"'{name}' has no {path.removeprefix('params/')} of the shape {tuple(leaf.shape)}, which {_WORDS[modality]} of "
                    f"{config.side} pixels and {config.channels} channels need: give another network or --model.{modality}.crop"
                )
            found[f"params/encoders_{modality}/{path.removeprefix('params/')}"] = given[path]
    return nest(found, "/")


def check_images(experiment: AstroM3Experiment, data: "MultimodalData") -> None:
    """Makes sure that images of the data are what the model learned from.

    Raises:
      ConfigError: they are not.
    """
    for modality, config in images_of(experiment).items():
        if modality not in data.image_shapes:
            continue  # an object may lack any modality
        shape, top = tuple(data.image_shapes[modality]), data.image_scales[modality]
        names = tuple(data.image_channels.get(modality, ()))
        if reason := unlike(config, shape, names, float(top)):
            raise ConfigError(f"the {_WORDS[modality]} of this data {reason}: prepare them as those of the training")


def unlike(config: ImageConfig, shape: tuple[int, ...], names: tuple[str, ...], top: float) -> str:
    """How images differ from those of the training, as far as both are known; empty where they do not.

    Args:
      shape: (H, W, C). top: largest number that the file could hold, NaN of fluxes.

    >>> unlike(ImageConfig(channel_names=("g",), channels=1, size=(8, 8)), (8, 8, 1), ("r",), float("nan"))
    'have the channels r, and the model learned from g'
    """
    if shape != (*config.size, config.channels):
        said = " x ".join(map(str, shape))
        return f"are of {said} (rows, columns, channels), and the model takes {config.size[0]} x {config.size[1]} x {config.channels}"
    if config.channel_names and names and names != config.channel_names:
        return f"have the channels {' '.join(names)}, and the model learned from {' '.join(config.channel_names)}"
    if (top if np.isfinite(top) else 0.0) != config.full_scale:
        said = {True: "fluxes", False: "numbers of pictures"}
        return f"are {said[not np.isfinite(top)]} up to {top:g}, and the model learned from {said[not config.full_scale]} up to {config.full_scale:g}"
    return ""
