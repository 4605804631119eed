"""A few embedded objects."""

import numpy as np

from data_pipelines.embedded_objects import EmbeddedObjects as Objects
from lcjax.evaluation.embedded import EmbeddedObjects


def objects(embedding, label=None, names=None, classes=("a", "b")) -> EmbeddedObjects:
    x = np.asarray(embedding, np.float32)
    label = np.full(len(x), -1) if label is None else np.asarray(label)
    return Objects(list(names or (f"s{i}" for i in range(len(x)))), x, label, classes if (label >= 0).any() else ())
