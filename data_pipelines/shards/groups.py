"""Series that are not cut into windows: read whole, up to a limit, and padded to one width a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.layout import Group, RecordLayout
from lcjax.errors import ConfigError, DataError


@dataclass(frozen=True)
class WholeGroup:
    """A group of series as a source reads it."""

    group: Group
    counts: np.ndarray
    """(R,) int64, values of each record; 0 where it has none."""
    shape: tuple[int, ...]
    """Of a row of a batch: all rows of a source have it, so that nothing compiles twice."""

    @property
    def width(self) -> int:
        """Values of a row."""
        return int(np.prod(self.shape))

    def sizes(self, record: np.ndarray) -> np.ndarray:
        """Values that are read of these records."""
        return np.minimum(self.counts[record], self.width)

    def entries(self, record: np.ndarray) -> dict[str, np.ndarray]:
        """`<group>_mask` and, of a ragged group, `<group>_length`: what a batch says about the padding of these rows.

        Args:
          record: (B,) -1 in rows that only fill up.

        Returns:
          the mask is (B, W) bool, or (B,) for arrays, which a record has or has not; the length (B,) int32.
        """
        name, size = self.group.name, np.where(record >= 0, self.sizes(record), 0)
        if not self.group.ragged:
            return {f"{name}_mask": size > 0}
        return {f"{name}_mask": np.arange(self.width) < size[:, None], f"{name}_length": size.astype(np.int32)}


def whole_groups(
    layout: RecordLayout, index: ShardIndex, limits: Mapping[str, int] | None, where: str, advice: str
) -> tuple[WholeGroup, ...]:
    """The groups of a source but the first.

    Args:
      limits: group -> values that are read at most and padded to; without one, to the longest of the index.
      where, advice: the data, and what to do when it is not of one shape, for messages.

    Raises:
      ConfigError: a limit of no ragged group, or below 1. DataError: arrays of several shapes.
    """
    limits = limits or {}
    known = [group.name for group in layout.others if group.ragged]
    for name, limit in limits.items():
        if name not in known or limit < 1:
            raise ConfigError(
                f"no limit {limit} for '{name}': {layout.kind} have {', '.join(known) or 'none'}, each >= 1"
            )
    found = []
    for group in layout.others:
        shapes = index.shapes(group.shape)
        counts = shapes.prod(axis=1)
        if group.ragged:
            shape: tuple[int, ...] = (limits.get(group.name) or int(max(counts.max(initial=1), 1)),)
        else:
            shape = one_shape(shapes[counts > 0], group, where, advice)
        found.append(WholeGroup(group, counts, shape))
    return tuple(found)


def one_shape(shapes: np.ndarray, group: Group, where: str, advice: str) -> tuple[int, ...]:
    """The shape that all records have, ones where there are no records.

    Raises:
      DataError: there are several.
    """
    found: Sequence[Sequence[int]] = np.unique(shapes, axis=0).tolist() or [[1] * len(group.shape)]
    if len(found) > 1:
        listed = ", ".join("x".join(map(str, shape)) for shape in found[:4])
        raise DataError(f"{where} has {' and '.join(group.series)} of several shapes ({listed}): {advice}")
    return tuple(found[0])
