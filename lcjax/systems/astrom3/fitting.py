"""What an experiment takes from its training data and from the weights it starts with."""

import dataclasses
import types
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.errors import ConfigError
from lcjax.systems.astrom3.config import AstroM3Experiment, InputsConfig
from lcjax.systems.astrom3.curve_encoder import with_curve_encoder
from lcjax.systems.astrom3.image_encoder import check_images, with_images
from lcjax.systems.astrom3.presets import with_published_run
from lcjax.training.checkpoint_io import flatten, nest
from lcjax.transforms.catalogue import catalogue_features
from lcjax.typing import PyTree

if TYPE_CHECKING:
    from lcjax.systems.astrom3 import MultimodalData
    from lcjax.training.task import Task


def fitted(experiment: AstroM3Experiment, data: "MultimodalData") -> AstroM3Experiment:
    """The experiment with columns, statistics, classes and sizes of the data.

    Raises:
      ConfigError: a modality that no object has, spectra of several lengths, or no classes for a classifier.
    """
    experiment = with_curve_encoder(with_published_run(experiment), bool(data.standardised))
    experiment = with_images(experiment, data)
    inputs, model = with_columns(experiment.inputs, tuple(data.metadata_names)), experiment.model
    inputs = with_statistics(inputs, data)
    if not inputs.class_names:
        inputs = dataclasses.replace(inputs, class_names=tuple(data.class_names))
    if model.head == "classifier" and not inputs.class_names:
        raise ConfigError("this data has no labels, and a classifier needs some: pretrain with  lcjax train astrom3")
    if "spectra" in model.modalities:
        if len(data.spectrum_lengths) != 1:
            found = ", ".join(map(str, data.spectrum_lengths)) or "none"
            raise ConfigError(
                f"the spectra of this data have {found} samples, and one number is wanted: prepare it on one "
                "--multimodal.spectrum-grid, or leave spectra out of --model.modalities"
            )
        model = dataclasses.replace(model, spectra=dataclasses.replace(model.spectra, length=data.spectrum_lengths[0]))
        if len(data.spectrum_grids) > 1:
            found = " and ".join(map(said_grid, data.spectrum_grids[:2]))
            raise ConfigError(
                f"the spectra of this data are on several grids ({found}): prepare it on one --multimodal.spectrum-grid"
            )
        inputs = dataclasses.replace(inputs, spectrum_grid=data.spectrum_grids[0] if data.spectrum_grids else ())
    if "metadata" in model.modalities and not inputs.metadata_columns:
        raise ConfigError("this data has no catalogue numbers: leave metadata out of --model.modalities")
    if "photometry" in model.modalities and not data.n_points:
        raise ConfigError("this data has no light curves: leave photometry out of --model.modalities")
    model = dataclasses.replace(
        model,
        photometry=dataclasses.replace(model.photometry, channels=5 + len(inputs.photometry_columns)),
        metadata=dataclasses.replace(model.metadata, inputs=max(len(inputs.metadata_columns), 1)),
        num_classes=max(len(inputs.class_names), 1),
    )
    per_pass = int(data.batches_per_epoch)
    training, plateau = experiment.training, dataclasses.replace(experiment.plateau, steps_per_pass=per_pass)
    if epochs := experiment.objective.epochs:
        training = dataclasses.replace(
            training, steps=epochs * per_pass, evaluate_every=per_pass, checkpoint_every=per_pass
        )
    elif experiment.plateau.factor < 1:
        training = dataclasses.replace(training, evaluate_every=per_pass)
    return dataclasses.replace(experiment, inputs=inputs, model=model, training=training, plateau=plateau)


def with_columns(inputs: InputsConfig, names: tuple[str, ...]) -> InputsConfig:
    """Which catalogue numbers go where: the published ones in their order, where they are there.

    Raises:
      ConfigError: a column that is asked for and not there.
    """
    asked = (*inputs.photometry_columns, *inputs.metadata_columns)
    if asked:
        if lacking := [name for name in asked if name not in names]:
            raise ConfigError(f"this data has no column '{lacking[0]}': it has {', '.join(names)}")
        return dataclasses.replace(inputs, data_columns=names)
    photometric = tuple(name for name in PHOTOMETRIC if name in names)
    known = tuple(name for name in METADATA if name in names)
    others = tuple(name for name in names if name not in (*photometric, *known))
    return dataclasses.replace(
        inputs, photometry_columns=photometric, metadata_columns=(*known, *others), data_columns=names
    )


def with_statistics(inputs: InputsConfig, data: "MultimodalData") -> InputsConfig:
    """Means and standard deviations of the training objects, in float64, missing values left out; 0 and 1 for columns without.

    Numbers that are standardised already keep none.
    """
    names = (*inputs.photometry_columns, *inputs.metadata_columns)
    if data.standardised or inputs.statistics == "none":
        return dataclasses.replace(inputs, statistics="none", mean=(), std=())
    if inputs.mean or not names:
        return inputs
    place = [tuple(data.metadata_names).index(name) for name in names]
    values = catalogue_features(np.asarray(data.metadata, np.float64)[data.used][:, place], names)
    values = np.where(np.isfinite(values), values, np.nan)
    empty = np.isnan(values).all(axis=0)
    filled = np.where(empty, 0.0, values)
    mean, std = np.nanmean(filled, axis=0), np.nanstd(filled, axis=0)
    std = np.where(std > 0, std, 1.0)
    return dataclasses.replace(inputs, mean=tuple(map(float, mean)), std=tuple(map(float, std)))


def check_data(experiment: AstroM3Experiment, data: "MultimodalData") -> None:
    """Makes sure that numbers mean to the model what they mean in the data.

    Raises:
      ConfigError: they do not.
    """
    inputs = experiment.inputs
    used = (*inputs.photometry_columns, *inputs.metadata_columns)
    if used and not inputs.mean and not data.standardised:
        raise ConfigError(
            "this model takes catalogue numbers that are standardised already (the published processed dataset), and those of "
            "this data are not: train on it, or prepare the processed dataset"
        )
    if inputs.mean and data.standardised:
        raise ConfigError(
            "the catalogue numbers of this data are standardised by statistics that it does not tell, and the model has its "
            "own: use data that was prepared as its training data were"
        )
    odd = [n for n in data.spectrum_lengths if n != experiment.model.spectra.length]
    if odd and "spectra" in experiment.model.modalities:
        raise ConfigError(
            f"the spectra of this data have {odd[0]} samples, the model takes {experiment.model.spectra.length}: prepare the data "
            "on the --multimodal.spectrum-grid of its training data"
        )
    other = [g for g in data.spectrum_grids if not same_grid(inputs.spectrum_grid, g)]
    if other and "spectra" in experiment.model.modalities:
        raise ConfigError(
            f"the spectra of this data are {said_grid(other[0])}, those of its training {said_grid(inputs.spectrum_grid)}: "
            "prepare the data on the --multimodal.spectrum-grid of its training data"
        )
    check_images(experiment, data)


def same_grid(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two grids are one, as far as both are known.

    >>> same_grid((3850.0, 2.0), (3850.0, 20.0)), same_grid((), (3850.0, 2.0))
    (False, True)
    """
    known = bool(one) and bool(other) and np.isfinite(other).all()
    return not known or bool(np.allclose(one, other, rtol=1e-6))


def said_grid(grid: tuple[float, ...]) -> str:
    """A grid in words.

    >>> said_grid((3850.0, 2.0))
    'from 3850 by 2 Angstrom'
    """
    return f"from {grid[0]:g} by {grid[1]:g} Angstrom"


def shared_variables(task: "Task", start: PyTree) -> PyTree:
    """Those of the given variables that the network of a task has, in the same shapes.

    Raises:
      ConfigError: none, or an encoder of one modality in other sizes.
    """
    expected = flatten(jax.eval_shape(task.init, jax.random.key(0), task.batch_spec))
    theirs = {name: tuple(np.shape(value)) for name, value in flatten(start).items()}
    own = lambda name: next((part for part in name.split("/") if part.startswith("encoders_")), "")
    known = {own(name) for name in theirs}
    for name, leaf in expected.items():
        # An encoder that is there in other sizes would begin anew without a word; a modality that is new does.
        if own(name) and own(name) in known and theirs.get(name) != tuple(leaf.shape):
            raise ConfigError(
                f"the --training.initial-weights have another encoder of {own(name).removeprefix('encoders_')} than this run ({name.split('/', 2)[-1]} is "
                f"{theirs.get(name, 'not there')}, not {tuple(leaf.shape)}): give its --model and encoder options"
            )
    kept = {
        name: value
        for name, value in flatten(start).items()
        if name in expected and tuple(np.shape(value)) == tuple(expected[name].shape) and "/head/" not in name
    }
    if not any("encoders_" in name for name in kept):
        raise ConfigError("the --training.initial-weights have no encoder of this network's modalities and sizes")
    return nest(kept, "/")


def made_up_data(experiment: AstroM3Experiment) -> Any:
    """What `fitted` asks of data, where there is none: all modalities, the published columns, two classes."""
    return types.SimpleNamespace(
        metadata_names=(*PHOTOMETRIC, *METADATA),
        class_names=("a", "b"),
        spectrum_lengths=(experiment.model.spectra.length,),
        spectrum_grids=((3850.0, 9000.0),),
        n_points=100,
        batches_per_epoch=10,
        standardised=True,
    )
