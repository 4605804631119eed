"""Masked pretraining of the encoders of the positional-encoding study."""

from lcjax.models.flops import positional_train_flops
from lcjax.models.positional_study import SHARDING_RULES, PositionalStudy
from lcjax.systems.masked_pretraining.task import compute_dtype, pretraining_task, with_variance_head
from lcjax.systems.positional_study.config import PositionalExperiment
from lcjax.training.task import Task


def build_task(experiment: PositionalExperiment) -> Task:
    """The Task of one variant."""
    experiment = with_variance_head(experiment)
    longest = experiment.window.length
    model = PositionalStudy(experiment.model, longest, compute_dtype(experiment))
    flops = lambda rows, length: positional_train_flops(experiment.model, rows, length, longest)
    return pretraining_task(experiment, model, flops, SHARDING_RULES)
