"""Presets of adaptation between surveys of light curves. Docstrings: paper, command, what to expect."""

from dataclasses import replace

from lcjax.systems.domain_adaptation.config import AdaptationObjectiveConfig, CurveAdaptationExperiment, Method
from lcjax.systems.domain_pairs.config import DomainsConfig
from lcjax.systems.domain_pairs.presets import adam, balanced_run


def _joint(method: Method) -> CurveAdaptationExperiment:
    return CurveAdaptationExperiment(
        objective=AdaptationObjectiveConfig(method=method),
        optimizer=adam(0.01),
        training=balanced_run(1000, evaluate_every=50, checkpoint_every=250, patience=8),
    )


def light_curve_base() -> CurveAdaptationExperiment:
    """Classes of light curves from the labels of one survey, by any encoder: what adaptation starts from.

    The validation split of that survey chooses the weights.

    lcjax train light-curve-base --encoder E --data D --domains.target TARGET --domains.classes RRab RRc --workdir BASE
    """
    return replace(_joint("base"), domains=DomainsConfig(validation_shots=0))


def light_curve_fine_tuning() -> CurveAdaptationExperiment:
    """The weights of light-curve-base trained on with the target's few labelled stars alone.

    lcjax train light-curve-fine-tuning --encoder E --data D --domains.target TARGET --training.initial-weights BASE --workdir W
    """
    return CurveAdaptationExperiment(
        objective=AdaptationObjectiveConfig(method="fine_tuning"),
        optimizer=adam(1e-4),
        training=balanced_run(300, evaluate_every=25, checkpoint_every=100, patience=8),
        nesterov=False,
    )


def light_curve_s_plus_t() -> CurveAdaptationExperiment:
    """Source and the few labelled stars of the target together, without the unlabelled ones (S+T).

    lcjax train light-curve-s-plus-t --encoder E --data D --domains.target TARGET --workdir W
    """
    return _joint("s_plus_t")


def light_curve_ent() -> CurveAdaptationExperiment:
    """The entropy baseline of MME on light curves.

    lcjax train light-curve-ent --encoder E --data D --domains.target TARGET --workdir W
    """
    return _joint("ent")


def light_curve_mme() -> CurveAdaptationExperiment:
    """Minimax entropy (arXiv 1904.06487) between surveys of light curves, the encoder as base network.

    lcjax train light-curve-mme --encoder E --data D --domains.target TARGET --domains.shots 3 --workdir W
    """
    return _joint("mme")
