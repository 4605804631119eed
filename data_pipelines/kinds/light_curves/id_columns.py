"""Which column names the star, and what its cells say: ids are text from the first read on."""

import re
from collections.abc import Sequence

import numpy as np

from lcjax.errors import DataError

NAMES = (
    "object_id", "objectid", "id", "oid", "objid", "source_id", "sourceid", "star_id", "starid", "diaobjectid",
    "ps1_objid", "lightcurve_id", "lc_id", "obj_id",
)  # fmt: skip
"""Any of these is the id of something; two of them in one table can mean two things."""
LAST_RESORT = ("snid", "name", "star", "_healpix_29_id")
"""Taken where there is nothing else."""
FILE_NAME = "filename"
"""What `--columns.object-id` says where every file is one star, whatever its columns look like."""
_ROUNDED = re.compile(r"\d(\.\d+[eE]\+?|[eE]\+)\d+")


def id_column(names: Sequence[str], where: str) -> str | None:
    """The column of ids among those of a table; one inside a nested column (`lightcurve.oid`) only where no other is.

    Raises:
      DataError: there are several; names them.
    """
    outer = {name.lower(): name for name in reversed(names)}
    inner = {name.rsplit(".", 1)[-1].lower(): name for name in reversed(names)}
    for lower in (outer, inner):
        found = [lower[name] for name in NAMES if name in lower]
        if len(found) > 1:
            raise DataError(
                f"'{where}' has {len(found)} columns that may be the object id ({', '.join(found)}): "
                "name the one that says which star with --columns.object-id"
            )
        if found := found or [lower[name] for name in LAST_RESORT if name in lower]:
            return found[0]
    return None


def check_whole_numbers(values: np.ndarray, where: str) -> None:
    """Ids that are floating-point numbers must be small enough to be told apart.

    Args:
      values: (N,) of the column's own type.

    Raises:
      DataError: neighbours have become one number.
    """
    limit = 2.0 ** (np.finfo(values.dtype).nmant + 1)
    large = np.abs(values[np.isfinite(values)]) >= limit
    if large.any():
        raise DataError(
            f"the object ids in {where} are floating-point numbers beyond 2^{np.finfo(values.dtype).nmant + 1}, where neighbouring ids are "
            "one number: store them as integers or text"
        )


def check_text(text: str | None, where: str) -> None:
    """Refuses numbers that a spreadsheet has rounded.

    Raises:
      DataError: an id such as 1.23457E+18.
    """
    if text and _ROUNDED.fullmatch(text):
        raise DataError(
            f"the object id '{text}' in {where} is a rounded number, by which several stars may go: store ids as text"
        )
