"""A classifier of images whose weights are all 0: made in no time, and as good as any where answers do not matter."""

import jax
import numpy as np

from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import build_task
from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig


def blank_model(folder):
    """Its folder."""
    small = StampModelConfig(kernels=(4, 3), filters=(8, 8), pool_after=(2,), trunk=(8,), head=(8,))
    experiment = StampExperiment(inputs=StampInputsConfig(features=(), metadata_names=()), model=small)
    task = build_task(experiment)
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    variables = jax.tree.map(lambda spec: np.zeros(spec.shape, spec.dtype), shapes)
    write_weights(folder, ImportedWeights(experiment, variables, folder, None, [], []))
    return folder
