"""Shapes of training batches, for who traces a task without data."""

import jax
import numpy as np

from lcjax.training.task import Task
from lcjax.typing import Batch


def labelled(spec: Batch) -> Batch:
    """The entries of a spec, and what every kind of data gives beside them: `weight`, `row` and `label`."""
    rows = jax.tree.leaves(spec)[0].shape[0]
    integers = jax.ShapeDtypeStruct((rows,), np.int32)
    return {"weight": jax.ShapeDtypeStruct((rows,), np.float32), "row": integers, "label": integers, **spec}


def training_spec(task: Task) -> Batch:
    """Shapes of all that the losses of a task take.

    >>> from lcjax.systems import PRESETS, build_task
    >>> sorted(training_spec(build_task(PRESETS["delight"]())))
    ['host_radius', 'hostless', 'label', 'offset', 'row', 'stamps', 'weight']
    """
    return {**labelled(task.batch_spec), **task.targets}
