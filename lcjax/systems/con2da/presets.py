"""Presets of Con2DA. Docstrings: paper, command, what to expect."""

from lcjax.models.image_networks_config import DIGITS
from lcjax.systems.con2da.config import Con2daExperiment, ViewsConfig
from lcjax.systems.domain_pairs.presets import DIGIT_IMAGES, adam, balanced_run

_RUN = balanced_run(3000, evaluate_every=50, checkpoint_every=500, patience=50)


def real_bogus_con2da() -> Con2daExperiment:
    """Con2DA (arXiv 2204.01558) on stamps: weak views are mirrored, turned and moved, strong ones blurred, noisy and cut besides.

    The published rates (8e-5, ten times that for the classifier) are of pretrained networks of natural images; 3e-4 here.

        lcjax train real-bogus-con2da --data D --domains.target TARGET --workdir W
    """
    return Con2daExperiment(optimizer=adam(3e-4), training=_RUN)


def con2da_digits() -> Con2daExperiment:
    """Con2DA on digits, which are neither mirrored nor turned by more than 15 degrees.

    lcjax train con2da-digits --data D --domains.target usps --workdir W
    """
    return Con2daExperiment(
        inputs=DIGIT_IMAGES,
        network=DIGITS,
        views=ViewsConfig(mirror=False, noise=0.5),
        optimizer=adam(3e-4),
        training=_RUN,
    )
