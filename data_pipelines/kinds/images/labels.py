"""What a value of a column of classes means: a name, a number that has to be given a name, or nothing."""

import math
from typing import Any

import numpy as np

from data_pipelines.kinds.images.options import NUMBERS, ImageSettings
from data_pipelines.shards.class_names import is_no_class
from lcjax.errors import ConfigError, DataError


def class_name(value: Any, settings: ImageSettings, where: str) -> str | None:
    """The name of the class, None where there is none.

    Args:
      value: text, whole number, bool, or None; NaN is none.

    Raises:
      ConfigError: numbers whose names are not said. DataError: a number that has no name among `settings.classes`, or none at all.

    >>> class_name(1, ImageSettings(classes=("bogus", "real")), "x")
    'real'
    >>> class_name("7", ImageSettings(classes=("numbers",)), "x")
    '7'
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "" or (isinstance(value, float | np.floating) and math.isnan(value)):
        return None
    if settings.unlabelled is not None and _text(value) == settings.unlabelled:
        return None
    number = _whole_number(value)
    if number is None:
        return _name(value, settings, where)
    if settings.classes == (NUMBERS,):
        return str(number)
    if not settings.classes:
        raise ConfigError(
            f"the classes of {where} are numbers, such as {_text(value)}, which says nothing of what they are: name them in order "
            f"from 0 with --images.classes, such as bogus real, or say --images.classes {NUMBERS} where the numbers are the names"
        )
    if not 0 <= number < len(settings.classes):
        raise DataError(
            f"unknown class: {number} is not among the numbers 0 to {len(settings.classes) - 1} of --images.classes"
            " (--images.unlabelled says which value stands for none)"
        )
    return settings.classes[number]


def _name(value: Any, settings: ImageSettings, where: str) -> str | None:
    if not isinstance(value, str):
        raise DataError(f"unknown class: {value!r} of {where} is neither text nor a whole number")
    if is_no_class(value):
        return None
    if settings.classes and settings.classes != (NUMBERS,) and value not in settings.classes:
        raise DataError(f"unknown class: '{value}' is not among --images.classes")
    return value


def _whole_number(value: Any) -> int | None:
    """Of numbers and of text that is one; None of names."""
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if math.isfinite(number) and number.is_integer() else None


def _text(value: Any) -> str:
    number = _whole_number(value)
    return str(value) if number is None else str(number)
