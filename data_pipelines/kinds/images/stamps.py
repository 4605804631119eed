"""What builders of real and bogus stamps share: planes that hold something, and classes from a table that names the stamps."""

from collections.abc import Sequence

import numpy as np

from data_pipelines.kinds.images.annotations import Annotation, read_annotations
from data_pipelines.kinds.images.labels import class_name
from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.reading import central_square
from lcjax.errors import DataError


def cut_stamp(planes: np.ndarray, names: Sequence[str], size: int | None) -> np.ndarray:
    """The middle `size` pixels of (H, W, C).

    Raises:
      DataError: it is smaller, or no pixel of a plane is finite.
    """
    cut = central_square(planes, size)
    for name, plane in zip(names, np.moveaxis(cut, -1, 0), strict=True):
        if not np.isfinite(plane).any():
            raise DataError(f"no pixels: none of the {name} is finite")
    return cut


class StampClasses:
    """Classes of stamps by the table of `--images.table`, if there is one."""

    def __init__(self, asked: ImageSettings) -> None:
        """Reads the table."""
        self._asked = asked
        self._table = read_annotations(asked.table, asked, {}) if asked.table else {}
        self._looked_for: str = ""
        self._found = 0

    def of(self, *names: str) -> str | None:
        """The class by the first of the names that the table has; None where it says none.

        Raises:
          DataError: the table gives several, or one that is unknown.
        """
        self._looked_for = names[0]
        entry = next((self._table[name] for name in names if name in self._table), Annotation())
        if len(entry.labels) > 1:
            raise DataError(f"several classes: the table says {', '.join(map(str, entry.labels[:4]))}")
        self._found += bool(entry.labels)
        return class_name(entry.labels[0], self._asked, f"'{self._asked.table}'") if entry.labels else None

    def check(self) -> None:
        """When all stamps have been looked for.

        Raises:
          DataError: there is a table, and it has a class for none of them.
        """
        if self._table and self._looked_for and not self._found:
            raise DataError(
                f"the table '{self._asked.table}' has a class for none of the stamps: they are called such as '{self._looked_for}', and its "
                f"rows such as '{next(iter(self._table))}'; say which column names them with --images.object-id"
            )
