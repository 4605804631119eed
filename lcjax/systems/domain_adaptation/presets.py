"""Presets of base training, fine-tuning, S+T, ENT and MME. Docstrings: paper, command, what to expect."""

from dataclasses import replace

from lcjax.models.image_networks_config import DIGITS
from lcjax.systems.domain_adaptation.config import AdaptationExperiment, AdaptationObjectiveConfig
from lcjax.systems.domain_pairs.config import DomainsConfig
from lcjax.systems.domain_pairs.presets import DIGIT_IMAGES, adam, balanced_run

_RUN = balanced_run(3000, evaluate_every=100, checkpoint_every=500, patience=10)


def _joint(method: str) -> AdaptationExperiment:
    return AdaptationExperiment(
        objective=AdaptationObjectiveConfig(method=method),  # type: ignore[arg-type]
        optimizer=adam(0.01),
        training=_RUN,
    )


def real_bogus_base() -> AdaptationExperiment:
    """Real/bogus on the source survey alone, with the layers of Deep-HiTS (ApJ 836, 97): what adaptation starts from.

    Data: images of two surveys or more with the same classes and channels (template, science, difference). The source's
    validation split chooses the weights; `--domains.validation-shots 3` has labelled images of the target do it.

        lcjax train real-bogus-base --data D --domains.target TARGET --workdir BASE
    """
    return replace(_joint("base"), domains=DomainsConfig(validation_shots=0))


def real_bogus_fine_tuning() -> AdaptationExperiment:
    """Base weights trained on with the target's few labelled images alone (arXiv 2308.07538 compares it with MME).

    Adam at 1e-4 on all layers. Published: better on the target from one label a class, and worse on the source.

        lcjax train real-bogus-fine-tuning --data D --domains.target TARGET --training.initial-weights BASE --workdir W
    """
    return AdaptationExperiment(
        objective=AdaptationObjectiveConfig(method="fine_tuning"),
        optimizer=adam(1e-4),
        training=balanced_run(500, evaluate_every=25, checkpoint_every=100, patience=8),
        nesterov=False,
    )


def real_bogus_mme() -> AdaptationExperiment:
    """Minimax entropy (arXiv 1904.06487) from base weights, as in real/bogus across surveys (arXiv 2308.07538).

    Published: better on the target from one label a class, and no worse on the source.

        lcjax train real-bogus-mme --data D --domains.target TARGET --training.initial-weights BASE --workdir W
    """
    return _joint("mme")


def real_bogus_ent() -> AdaptationExperiment:
    """The entropy baseline of MME: classifier and features both lower the entropy of unlabelled target images.

    lcjax train real-bogus-ent --data D --domains.target TARGET --workdir W
    """
    return _joint("ent")


def real_bogus_s_plus_t() -> AdaptationExperiment:
    """Source and the few labelled target images together, without the unlabelled ones (S+T).

    lcjax train real-bogus-s-plus-t --data D --domains.target TARGET --workdir W
    """
    return _joint("s_plus_t")


def mme_digits() -> AdaptationExperiment:
    """MME on digits of 32 x 32 pixels with the network of a public implementation: MNIST, USPS.

    lcjax train mme-digits --data D --domains.target usps --workdir W
    """
    experiment = _joint("mme")
    return AdaptationExperiment(
        domains=DomainsConfig(shots=1),
        inputs=DIGIT_IMAGES,
        network=DIGITS,
        objective=experiment.objective,
        optimizer=adam(0.01),
        training=_RUN,
    )
