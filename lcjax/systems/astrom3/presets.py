"""Settings of AstroM3 and of the strict networks in its place. Docstrings: paper, command, what to expect."""

import dataclasses
from collections.abc import Callable

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.astrom3_config import (
    PARITY,
    ImageConfig,
    MultimodalConfig,
    PhotometryConfig,
    SpectraConfig,
    VectorConfig,
)
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.systems.astrom3.config import AstroM3Experiment, PairObjectiveConfig, PlateauConfig
from lcjax.systems.astrom3.published import PRETRAINING, RUN_OF_NAME, Run

_SMALL = MultimodalConfig(
    photometry=PhotometryConfig(width=64, num_heads=4, hidden=128, layers=3, dropout=0.1),
    spectra=SpectraConfig(channels=(3, 16, 32, 32, 32), dropout=0.1),
    metadata=VectorConfig(hidden=128, dropout=0.1),
    dim=128,
    initial_scale=14.3,
)
"""For two cores."""
_ADAM = OptimizerConfig(name="adamw", learning_rate=1e-3, warmup_steps=50, weight_decay=1e-4, clip_norm=1.0)
_QUICK = TrainingConfig(steps=600, batch_size=64, evaluate_every=100, checkpoint_every=100, log_every=20, patience=10)


def astrom3() -> AstroM3Experiment:
    """Contrast between light curve, spectrum and catalogue numbers, strict and small: minutes on two cores.

    Data: `lcjax data prepare simulated_multimodal` (made when none is given), `astrom3` or `multimodal_files`. The photometry
    encoder attends to observed points alone, by their times; objects that lack a modality teach the other pairs. The networks
    of arXiv 2411.08842 are `astrom3-published`.

        lcjax train astrom3
    """
    return AstroM3Experiment(model=_SMALL, optimizer=_ADAM, training=_QUICK)


def astrom3_images() -> AstroM3Experiment:
    """Contrast between light curve, numbers, stamps and an image of the host of the same transient; `--model.modalities` chooses.

    Data: alerts, or a catalogue with images (`lcjax data prepare multimodal_files`); simulated alerts when none is given. Stamps go through
    the convolutions of the ALeRCE stamp classifier, hosts through those of DELIGHT, small. Not published.

        lcjax train astrom3-images
    """
    stamps = ImageConfig(crop=21, stamp=StampModelConfig(filters=(16, 16, 32, 32), kernels=(4, 3, 3, 3), pool_after=(2, 4), trunk=(64,),
                                                         head=(), num_features=0, dropout=0.1))  # fmt: skip
    host = ImageConfig(network="delight", levels=2, delight=DelightModelConfig(filters=(16, 24, 24)))
    model = dataclasses.replace(
        _SMALL, modalities=("photometry", "metadata", "stamps", "host"), stamps=stamps, host=host
    )
    return AstroM3Experiment(model=model, optimizer=_ADAM, training=dataclasses.replace(_QUICK, steps=300))


def astrom3_classifier() -> AstroM3Experiment:
    """A classifier of all modalities, of the networks of `astrom3`; start it from a pretrained model.

        lcjax train astrom3-classifier --training.initial-weights lcjax-runs/astrom3 --data D --workdir W

    `--model.modalities photometry` (or spectra, metadata) is a classifier of one.
    """
    model = dataclasses.replace(_SMALL, head="classifier")
    return AstroM3Experiment(model=model, optimizer=_ADAM, training=dataclasses.replace(_QUICK, monitor="loss"))


def astrom3_published() -> AstroM3Experiment:
    """AstroM3-CLIP as published (arXiv 2411.08842): Informer, GalSpecNet and a perceptron, 15.9 million parameters, 100 epochs of
    batches of 512; Adam with L2 decay in the gradient, warm-up of 10 epochs, the rate falls when the validation loss stalls.

    Data: `lcjax data prepare astrom3 --source FOLDER` (17,063 training objects). The published loss is not quoted.

        lcjax train astrom3-published --data D --workdir W
    """
    return published_experiment(PRETRAINING, head="contrastive", epochs=100)


def published_experiment(run: Run, head: str, epochs: int) -> AstroM3Experiment:
    """The experiment of a published run."""
    photometry = dataclasses.replace(PARITY, dropout=run.dropout[0])
    modalities = ("photometry", "spectra", "metadata") if run.mode == "all" else (run.mode,)
    model = MultimodalConfig(
        modalities=modalities,  # type: ignore[arg-type]
        photometry=photometry,
        spectra=SpectraConfig(dropout=run.dropout[1]),
        metadata=VectorConfig(dropout=run.dropout[2]),
        head=head,  # type: ignore[arg-type]
    )
    return AstroM3Experiment(
        model=model,
        objective=PairObjectiveConfig(epochs=epochs),
        optimizer=OptimizerConfig(
            name="adam_l2",
            learning_rate=run.learning_rate,
            schedule="constant",
            b1=run.beta1,
            weight_decay=run.weight_decay,
            clip_norm=run.clip,
        ),
        plateau=PlateauConfig(factor=run.factor),
        training=TrainingConfig(batch_size=512, seed=42, patience=6, log_every=10),
    )


def astrom3_published_classifier() -> AstroM3Experiment:
    """The published classifiers (arXiv 2411.08842): of photometry, spectra, metadata or all, from scratch or from AstroM3-CLIP,
    on 100, 50, 25 or 10 % of the data, each with the settings that were found for it.

    Data: `lcjax data prepare astrom3 --source FOLDER` with the subset in question. Published test accuracies on all data, from
    scratch and pretrained, mean of five seeds: photometry 84.6 and 91.5 %, spectra 76.3 and 77.4 %, metadata 85.6 and 85.9 %, all
    94.1 and 94.2 %.

        lcjax train astrom3-published-classifier --published photometry-10-clip --training.initial-weights W --data D --workdir W2
    """
    run = RUN_OF_NAME["all-full"]
    return dataclasses.replace(published_experiment(run, head="classifier", epochs=50), published=run.name)


def with_published_run(experiment: AstroM3Experiment) -> AstroM3Experiment:
    """The experiment with the settings of the published run that it names; without one, as it is."""
    if not experiment.published:
        return experiment
    wanted = published_experiment(RUN_OF_NAME[experiment.published], head="classifier", epochs=50)
    model = experiment.model
    model = dataclasses.replace(
        model,
        modalities=wanted.model.modalities,
        head="classifier",
        photometry=dataclasses.replace(model.photometry, dropout=wanted.model.photometry.dropout),
        spectra=dataclasses.replace(model.spectra, dropout=wanted.model.spectra.dropout),
        metadata=dataclasses.replace(model.metadata, dropout=wanted.model.metadata.dropout),
    )
    plateau = dataclasses.replace(experiment.plateau, factor=wanted.plateau.factor)
    return dataclasses.replace(experiment, model=model, optimizer=wanted.optimizer, plateau=plateau)


PRESETS: dict[str, Callable[[], AstroM3Experiment]] = {
    "astrom3": astrom3,
    "astrom3-images": astrom3_images,
    "astrom3-classifier": astrom3_classifier,
    "astrom3-published": astrom3_published,
    "astrom3-published-classifier": astrom3_published_classifier,
}
