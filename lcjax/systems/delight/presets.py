"""Published and recommended DELIGHT settings. Each docstring: paper, command, what to expect."""

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.delight_config import HOSTS, PUBLISHED
from lcjax.systems.delight.config import DelightExperiment, HostObjectiveConfig


def delight() -> DelightExperiment:
    """DELIGHT as published: the host's offset from a five-level stack, mean squared error (Forster 2022, AJ 164, 195).

    Data: images of 2' around transients and the positions of their hosts (the paper: 16,791 hosts in Pan-STARRS r); here
    `lcjax data prepare simulated_hosts`. Published: redshift contamination below 0.86 %. Batch size and length of training
    are not published.

        lcjax weights import delight astro-delight --out W
        lcjax train delight --data D --workdir W

    Eight variants of 64 fields take one core ten seconds a step. One variant drawn anew for every field has the same mean
    gradient for an eighth of that: 4,000 steps of 5,000 gave a median error of 0.48 arcsec and 7.8 % catastrophic answers on
    simulated fields (published weights 0.47 and 9.7 %, directional light radius 10 %), with

        --objective.training-variants 1 --training.batch-size 32 --training.steps 5000 --optimizer.schedule cosine
    """
    return DelightExperiment(
        system="delight",
        model=PUBLISHED,
        objective=HostObjectiveConfig(),
        optimizer=OptimizerConfig(name="adam", learning_rate=1.41006e-3, schedule="constant", eps=1e-7, clip_norm=None),
        training=TrainingConfig(steps=20_000, batch_size=64, evaluate_every=500, patience=20),
    )


def delight_hosts() -> DelightExperiment:
    """Two plausible hosts and `hostless` with probabilities: a mixture head on a lighter DELIGHT network.

    Data: `lcjax data prepare simulated_hosts --n-objects 18000 --fractions 0.9 0.05 0.05`. Expect, on simulated fields, a
    median error of 0.3 arcsec and 7 % catastrophic answers (directional light radius 10 %, nearest source 20 %).

        lcjax train delight-hosts --data D --workdir W
    """
    return DelightExperiment(
        system="delight",
        model=HOSTS,
        objective=HostObjectiveConfig(l1=0.0, l2=0.0, training_variants=1),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=100, weight_decay=1e-3),
        training=TrainingConfig(steps=2000, batch_size=64, evaluate_every=250, log_every=50, checkpoint_every=250),
    )
