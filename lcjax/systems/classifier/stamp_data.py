"""Prepared alerts as the systems see them that classify stamps."""

from typing import Protocol

import numpy as np

from lcjax.systems.base import Data


class StampData(Data, Protocol):
    """Alerts with stamps."""

    @property
    def metadata_names(self) -> tuple[str, ...]:
        """Columns of `metadata`."""

    @property
    def metadata(self) -> np.ndarray:
        """(R, F) float32 of all records, nulls NaN."""

    @property
    def surveys(self) -> tuple[str, ...]:
        """Surveys of the alerts, where they are known."""

    def relabelled(self, class_names: tuple[str, ...]) -> "StampData":
        """The same with labels numbered as in `class_names`, without regard to case; -1 for others."""
