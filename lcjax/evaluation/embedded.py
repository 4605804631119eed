"""Objects with embeddings, as what searches and judges them takes them."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np


class EmbeddedObjects(Protocol):
    """N objects, one row each, all finite; such as `data_pipelines.embedded_objects.EmbeddedObjects`."""

    @property
    def object_id(self) -> list[str]:
        """Names."""

    @property
    def embedding(self) -> np.ndarray:
        """(N, D) float32."""

    @property
    def label(self) -> np.ndarray:
        """(N,) int into `class_names`, -1 unknown."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of all classes."""

    def __len__(self) -> int:
        """N."""

    def class_of(self, row: int) -> str:
        """Name of the class, empty where unknown."""

    def taken(self, rows: Sequence[int] | np.ndarray) -> Self:
        """Some of them."""
