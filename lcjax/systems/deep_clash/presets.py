"""Published and recommended Deep-CLASH settings. Each docstring: paper, command, what to expect."""

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.deep_clash_config import LIGHT, PUBLISHED
from lcjax.systems.deep_clash.config import DeepClashExperiment, GalaxyImageConfig

_ADAM = OptimizerConfig(name="adam", learning_rate=5e-5, schedule="constant", eps=1e-7, clip_norm=None)


def deep_clash() -> DeepClashExperiment:
    """Deep-CLASH, base network: votes of galaxies in the H band of CANDELS (Perez-Carrasco 2019, PASP 131, 108002).

    Data: `lcjax data prepare candels_stamps` (7,567 stamps with expert votes), or `simulated_galaxies`. Published: Adam 5e-5, 1,000 epochs
    of rows // 32 batches of 128, stopped after 50 epochs without improvement; validation RMSE about 0.12.

        lcjax train deep-clash --data D --workdir BASE
    """
    training = TrainingConfig(steps=165_000, batch_size=128, evaluate_every=165, checkpoint_every=165, patience=50)
    return DeepClashExperiment(model=PUBLISHED, optimizer=_ADAM, training=training)


def deep_clash_fine_tuned() -> DeepClashExperiment:
    """Deep-CLASH, fine-tuned: all layers of the base network, on 100 stamps of each of the 16 bands of CLASH (PASP 131, 108002).

    Data: `lcjax data prepare clash_stamps` (1,600 stamps). Published: the same rate, nothing frozen; test RMSE 0.0991. The best weights
    of the run are kept (the published run kept the last).

        lcjax train deep-clash-fine-tuned --data D --training.initial-weights BASE --workdir W
    """
    training = TrainingConfig(steps=31_000, batch_size=128, evaluate_every=31, checkpoint_every=155, patience=50)
    return DeepClashExperiment(stage="fine_tuning", model=PUBLISHED, optimizer=_ADAM, training=training)


def deep_clash_light() -> DeepClashExperiment:
    """Deep-CLASH at a twentieth of the work, for machines without an accelerator.

    Data: `lcjax data prepare simulated_galaxies`. Nothing is published of it; docs/deep_clash.md has what it reaches.

        lcjax train deep-clash-light --data D --workdir W
    """
    optimizer = OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=50, clip_norm=1.0)
    training = TrainingConfig(steps=1500, batch_size=64, evaluate_every=100, log_every=50, checkpoint_every=100)
    return DeepClashExperiment(model=LIGHT, optimizer=optimizer, training=training)


def deep_clash_pictures() -> DeepClashExperiment:
    """The light network on pictures (JPEG, PNG) of galaxies with a class each: all votes are for it, colours are averaged.

    Data: `lcjax data prepare image_files --images.table labels.csv ...`, such as the example images of Galaxy Zoo.

        lcjax train deep-clash-pictures --data D --workdir W
    """
    light = deep_clash_light()
    training = TrainingConfig(
        steps=600, batch_size=32, evaluate_every=50, log_every=50, checkpoint_every=100, patience=6
    )
    return DeepClashExperiment(
        model=light.model, optimizer=light.optimizer, training=training, image=GalaxyImageConfig(channels="mean")
    )
