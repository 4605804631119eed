"""Embeddings of everything in a prepared dataset, of any system that gives some."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.answers import Items, ParallelMap
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Options, Work


class Embedded(NamedTuple):
    """N answers."""

    object_id: list[str]
    embedding: np.ndarray
    """(N, D) float32."""
    band: list[str]
    """Empty where answers are of no band."""


def embed(
    loaded: Loaded,
    folder: Path,
    reader: Callable[[Mapping[str, Any], Options], Items],
    tools: Mapping[str, Callable[..., Any]],
    parallel_map: ParallelMap = map,
) -> Embedded:
    """A model's embeddings of a dataset in `folder`.

    Args:
      reader: (what the model takes of every item, options) -> reads the items. tools, parallel_map: as in `Work`.

    Raises:
      ConfigError: the model gives none. DataError: nothing could be embedded.
    """
    system = find_system(loaded.experiment.system)
    options = system.embedding_options
    answers = system.answers(loaded, Work(options, tools, parallel_map, None))
    if not {"embedding", "object_id"} <= set(answers.schema.names):
        raise ConfigError(
            f"'{loaded.folder}' is a {system.name}, which gives no embeddings of objects: there is nothing to probe"
        )
    items = reader(system.request(loaded, options), options).items([str(folder)])
    rows = [row for row in answers.answer(items) if not isinstance(row, Rejection)]
    if not rows:
        raise DataError(f"none of the {answers.unit} of '{folder}' could be embedded")
    vectors = np.stack([np.asarray(row["embedding"], np.float32).ravel() for row in rows])
    return Embedded([str(row["object_id"]) for row in rows], vectors, [str(row.get("band") or "") for row in rows])
