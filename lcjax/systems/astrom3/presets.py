"""Settings of AstroM3 and of the strict networks in its place. Docstrings: paper, command, what to expect."""

import dataclasses
from collections.abc import Callable

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.astrom3_config import PARITY, MultimodalConfig, PhotometryConfig, SpectraConfig, VectorConfig
from lcjax.systems.astrom3.config import AstroM3Experiment, PairObjectiveConfig, PlateauConfig
from lcjax.systems.astrom3.published import FRACTIONS, PRETRAINING, RUNS, Run

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


def _classifier(run: Run) -> Callable[[], AstroM3Experiment]:
    def preset() -> AstroM3Experiment:
        return published_experiment(run, head="classifier", epochs=50)

    start = "start it with --training.initial-weights MODEL" if run.pretrained else "from scratch"
    share = {"full": "all data", "50": "sub50", "25": "sub25", "10": "sub10"}[run.fraction]
    preset.__doc__ = f"""Classifier of {run.mode} on {share}, {start}: a published run with its own settings (arXiv 2411.08842).

    Data: `lcjax data prepare astrom3 --source FOLDER` with the subset in question. Published: {run.expected}.

        lcjax train {preset_name(run)} --data D --workdir W
    """
    return preset


def preset_name(run: Run) -> str:
    """Such as `astrom3-photometry-10-clip`."""
    return f"astrom3-{run.mode}-{run.fraction}{'-clip' if run.pretrained else ''}"


PRESETS: dict[str, Callable[[], AstroM3Experiment]] = {
    "astrom3": astrom3,
    "astrom3-classifier": astrom3_classifier,
    "astrom3-published": astrom3_published,
    **{preset_name(run): _classifier(run) for run in RUNS},
}
"""Name -> settings; of the published runs one for every mode, fraction of the data and start."""
assert len(RUNS) == 8 * len(FRACTIONS)
