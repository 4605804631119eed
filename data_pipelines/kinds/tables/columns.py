"""Which columns of a table are features: all that hold numbers, unless they say something else about the object.

What can be two things is refused with the choices.
"""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from data_pipelines.kinds.light_curves.columns import COMMON_NAMES
from data_pipelines.kinds.light_curves.id_columns import LAST_RESORT, NAMES
from data_pipelines.sources.arrow_batches import is_list
from data_pipelines.sources.cells import number_of, numbers_of, whole
from lcjax.errors import ConfigError, DataError

PLACES = ("ra", "dec")
RESERVED = ("split", "fold", "band", "filter", "n_points", "mjd", "reference_mjd", *PLACES)
"""Columns of numbers that say where, when and how an object was observed; features only where they are named."""
NOTHING = "none"
"""In place of numbers that stand for no value: there are none."""
_STAND_INS = (-99999.0, -9999.0, -999.0, -99.0, 99.0, 999.0, 9999.0, 99999.0)
"""What tables have where there is no value."""
_FAR = 5.0
"""Times the largest of all other values, that a stand-in is."""
_ROW_NUMBERS = re.compile(r"|__index_level_\d+__|unnamed: ?\d+")
"""Names of row numbers that tables are written with by accident."""
EMPTY = ("", "nan", "null", "none", "na", "n/a", "-", "--", "inf", "-inf")
"""Texts that are no value."""
_EXACT = 1 << 24
"""Whole numbers beyond are ids, or lose digits in float32."""


@dataclasses.dataclass(frozen=True)
class FeatureColumns:
    """Columns of tables of features. None, none: recognised, or refused with the choices."""

    object_id: str | None = None
    label: str | None = None
    """Class name; none: objects have no classes."""
    columns: tuple[str, ...] = ()
    """The features; default: every column of numbers (and of lists of numbers, such as an embedding) that is not id, class,
    position, split or band."""
    without: tuple[str, ...] = ()
    """Columns to leave out."""
    missing: tuple[str, ...] = ()
    """Numbers that stand for no value, such as -999; `none`: there are none. What looks like one is refused until it is said."""
    table: str | None = None
    """Of a FITS file with several tables: its name (EXTNAME) or number."""

    def __post_init__(self) -> None:
        for text in self.missing:
            if text != NOTHING and np.isnan(number_of(text)):
                raise ConfigError(f"--features.missing {text} is no number: give numbers, or {NOTHING}")

    def without_stand_ins(self, values: np.ndarray, name: str, where: str) -> np.ndarray:
        """Values (N,) of a column, NaN where they stand for none.

        Raises:
          DataError: some look as if they did, and nothing is said.

        >>> FeatureColumns(missing=("-999",)).without_stand_ins(np.array([1.0, -999.0]), "x", "t").tolist()
        [1.0, nan]
        """
        if self.missing:
            said = [number_of(text) for text in self.missing if text != NOTHING]
            return np.where(np.isin(values, said), np.nan, values)
        others = values[np.isfinite(values) & ~np.isin(values, _STAND_INS)]
        largest, positive = np.abs(others).max(initial=0.0), (others >= 0).all()
        for number in _STAND_INS:
            count = int((values == number).sum())
            if count > 1 and len(others) and (abs(number) > _FAR * largest or (number < 0 and positive)):
                raise DataError(
                    f"column '{name}' of {where} has {number:g} in {count:,} rows, far from all its other values: say --features.missing {number:g} "
                    f"where it stands for no value, or --features.missing {NOTHING} where it is one"
                )
        return values


@dataclasses.dataclass(frozen=True)
class Columns:
    """Roles of the columns of one table."""

    object_id: str
    label: str | None
    features: tuple[str, ...]
    ra: str | None = None
    dec: str | None = None


def recognise(table: pa.Table, asked: FeatureColumns, where: str) -> Columns:
    """The roles.

    Raises:
      DataError: no id or no features, a name that is not there, or a column that can be two things.
    """
    names = table.column_names
    for name in (asked.object_id, asked.label, *asked.columns):
        if name is not None and name not in names:
            raise DataError(f"{where} has no column '{name}': it has {', '.join(names[:12])}")
    object_id = asked.object_id or _usual(names, NAMES, where, "object id", "object-id")
    object_id = object_id or next((n for n in names if n.lower() in LAST_RESORT), None)
    if object_id is None:
        raise DataError(
            f"{where} has no column of ids: name it with --features.object-id, one of {', '.join(names[:12])}"
        )
    label = asked.label or _usual(names, COMMON_NAMES["label"], where, "class", "label", (object_id, *asked.without))
    place = [next((n for n in names if n.lower() == one and n not in asked.without), None) for one in PLACES]
    if asked.columns:
        features = [name for name in asked.columns if name not in asked.without]
        for name in features:
            _check_numbers(table, name, where)
    else:
        taken = {object_id, label, *asked.without}
        asked_about = [n for n in names if n not in taken and n.lower() not in RESERVED]
        asked_about = [n for n in asked_about if not _ROW_NUMBERS.fullmatch(n.strip().lower())]
        features = [n for n in asked_about if _is_feature(table, n, where)]
    if not features:
        raise DataError(f"{where} has no columns of numbers besides id and class: a table of features is wanted")
    return Columns(object_id, label, tuple(features), *place)


def _usual(
    names: Sequence[str], usual: Sequence[str], where: str, what: str, option: str, taken: Sequence[str] = ()
) -> str | None:
    found = [name for name in names if name.lower() in usual and name not in taken]
    if len(found) > 1:
        raise DataError(
            f"{where} has {len(found)} columns that may be the {what} ({', '.join(found)}): name one with "
            f"--features.{option} and leave the others out with --features.without"
        )
    return found[0] if found else None


def _is_feature(table: pa.Table, name: str, where: str) -> bool:
    """Whether a column holds numbers; those that look like ids are refused, texts among numbers too."""
    kind = table.schema.field(name).type
    if is_list(kind):
        return pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = [t.strip() for t in table.column(name).to_pylist() if t is not None and t.strip().lower() not in EMPTY]
        odd = [t for t in texts if np.isnan(number_of(t))]
        if texts and odd and len(odd) < len(texts):
            raise DataError(
                f"column '{name}' of {where} has '{odd[0]}' among numbers: mend it, or leave it out with "
                f"--features.without {name}"
            )
        if odd:
            return False
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return False
    values = numbers_of(whole(table.column(name)), f"'{name}' of {where}")
    values = values[np.isfinite(values)]
    if len(values) > 1 and np.abs(values).min() > _EXACT and (values % 1 == 0).all():
        raise DataError(
            f"column '{name}' of {where} holds whole numbers beyond {_EXACT:,}, as ids do: leave it out with "
            f"--features.without {name}, or name the features with --features.columns"
        )
    return True


def _check_numbers(table: pa.Table, name: str, where: str) -> None:
    kind = table.schema.field(name).type
    inner = kind.value_type if is_list(kind) else kind
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (pa.types.is_floating(inner) or pa.types.is_integer(inner) or pa.types.is_decimal(inner) or text):
        raise DataError(f"column '{name}' of {where} holds {kind}: features are numbers")
    if text:
        odd = [
            t for t in table.column(name).to_pylist() if t and t.strip().lower() not in EMPTY and np.isnan(number_of(t))
        ]
        if odd:
            raise DataError(f"column '{name}' of {where} has '{odd[0]}' where numbers are wanted: mend it")
