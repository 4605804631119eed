"""Masked pretraining of Astromer 1 and 2."""

from lcjax.models.astromer import SHARDING_RULES, Astromer
from lcjax.models.flops import astromer_train_flops
from lcjax.systems.astromer.config import AstromerExperiment
from lcjax.systems.masked_pretraining.task import compute_dtype, pretraining_task, with_variance_head
from lcjax.training.task import Task


def build_task(experiment: AstromerExperiment) -> Task:
    """The Task of an Astromer experiment."""
    experiment = with_variance_head(experiment)
    model = Astromer(experiment.model, compute_dtype(experiment))
    flops = lambda rows, length: astromer_train_flops(experiment.model, rows, length)
    return pretraining_task(experiment, model, flops, SHARDING_RULES)
