"""Presets of AVDA. Docstrings: paper, command, what to expect."""

from lcjax.models.image_networks_config import DEEP_HITS, DIGITS
from lcjax.systems.avda.config import AvdaExperiment, AvdaObjectiveConfig
from lcjax.systems.domain_pairs.presets import DIGIT_IMAGES, adam, balanced_run


def real_bogus_avda() -> AvdaExperiment:
    """AVDA (arXiv 1909.11651) on stamps, with the mean reconstruction of a pixel (`--objective.per image` sums, as the article does).

    lcjax train real-bogus-avda --data D --domains.target TARGET --workdir W
    """
    return AvdaExperiment(
        network=DEEP_HITS,
        objective=AvdaObjectiveConfig(per="pixel"),
        optimizer=adam(1e-3),
        training=balanced_run(4000, evaluate_every=100, checkpoint_every=500),
    )


def avda_digits() -> AvdaExperiment:
    """AVDA on digits, 20 latent dimensions, batches of 128 (published with a rate of 1e-4: MNIST to USPS 97.34 % without labels).

    lcjax train avda-digits --data D --domains.target usps --workdir W
    """
    return AvdaExperiment(
        inputs=DIGIT_IMAGES,
        network=DIGITS,
        objective=AvdaObjectiveConfig(pretraining_steps=2000, per="pixel"),
        optimizer=adam(1e-3),
        training=balanced_run(10_000, evaluate_every=250, checkpoint_every=1000, batch_size=128),
    )
