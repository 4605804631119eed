"""What is found out about the image of a field on the host, perhaps in another process: nothing here imports jax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lcjax.errors import DataError

Sources = Mapping[str, np.ndarray]
"""Columns as `sep` names them."""


class Examined(Protocol):
    """Of one field."""

    sources: Sources
    stack: np.ndarray  #: (levels, S, S) float32
    plane_sources: Sequence[Sources]  #: of the block medians of every level; or empty


class Examine(Protocol):
    """Finds the sources of a field and makes its stack, such as `data_pipelines.kinds.host_fields.stack.examine_field`."""

    def __call__(
        self, image: np.ndarray, levels: int, *, outside: np.ndarray | None = None, planes: bool = True
    ) -> Examined:
        """`image` (H, H); `outside` (H, H) bool: pixels without data; `planes`: also the sources of every level."""
        ...


@dataclass(frozen=True)
class Examination:
    """The same for every field of a model."""

    examine: Examine
    levels: int
    planes: bool

    def __call__(self, field: tuple[np.ndarray, np.ndarray | None] | None) -> Examined | str | None:
        """Of pixels and what is outside of them; a sentence if they cannot be examined; None for None."""
        if field is None:
            return None
        pixels, outside = field
        try:
            return self.examine(pixels, self.levels, outside=outside, planes=self.planes)
        except DataError as error:
            return str(error)
