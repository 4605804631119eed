"""Settings that check themselves: types and ranges stand in the annotations of a dataclass, and nowhere else.

A settings class inherits `Settings`; it is checked whenever one is made, from the command line, from JSON or in code.
Nothing here imports jax.
"""

import dataclasses
import functools
import math
import numbers
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from lcjax.errors import ConfigError


@dataclass(frozen=True)
class Within:
    """Range of a number."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    """`low` itself is too little."""
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"more than {self.low:g}" if self.open_low else f"{self.low:g} or more"
        below = f"less than {self.high:g}" if self.open_high else f"at most {self.high:g}"
        return f"more than {self.low:g} and {below}" if self.open_low else f"at least {self.low:g} and {below}"


Count = Annotated[int, Within(1)]
"""1 or more."""
Whole = Annotated[int, Within(0)]
"""0 or more."""
Positive = Annotated[float, Within(0.0, open_low=True)]
NotNegative = Annotated[float, Within(0.0)]
Share = Annotated[float, Within(0.0, 1.0)]
DropRate = Annotated[float, Within(0.0, 1.0, open_high=True)]
"""Of dropout, or of an average that forgets."""


class Settings:
    """A dataclass whose values are checked when it is made."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a value of the wrong type or out of range, by the name of its setting."""
        check(self)


def check(settings: Any, prefix: str = "") -> None:
    """Checks every value of a dataclass against its annotation.

    Raises:
      ConfigError: names the setting (`prefix` before it), its value and what it must be.
    """
    for name, hint in hints(type(settings)).items():
        check_value(hint, getattr(settings, name), prefix + name)


def check_value(hint: Any, value: Any, name: str) -> None:
    """Raises ConfigError where a value is not what an annotation says.

    >>> check_value(Count, 0, "model.width")
    Traceback (most recent call last):
    ...
    lcjax.errors.ConfigError: the setting 'model.width' is 0: it must be a whole number, 1 or more
    """
    if not _fits(hint, value):
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise ConfigError(f"the setting '{name}' is {shown}: it must be {_words(hint)}")


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """Field name -> annotation, ranges included."""
    found = typing.get_type_hints(cls, include_extras=True)
    return {field.name: found[field.name] for field in dataclasses.fields(cls)}


def _fits(hint: Any, value: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _fits(parts[0], value) and all(value in m for m in parts[1:] if isinstance(m, Within))
    if origin in (typing.Union, types.UnionType):
        return any(_fits(part, value) for part in parts)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in parts)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(parts) == 2 and parts[1] is Ellipsis:
            return all(_fits(parts[0], item) for item in value)
        return len(parts) == len(value) and all(map(_fits, parts, value))
    if origin in (dict, list):
        return isinstance(value, origin)
    return _of_type(hint, value)


def _of_type(hint: Any, value: Any) -> bool:
    if hint in (None, type(None)):
        return value is None
    if hint is int:
        return isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value)
    return isinstance(value, hint) if isinstance(hint, type) else True


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "nothing (null)"}


def _words(hint: Any) -> str:
    """What a value must be.

    >>> _words(tuple[Count, ...]), _words(Literal["post", "pre"] | None)
    ('a list of: a whole number, 1 or more', 'post or pre, or nothing (null)')
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return ", ".join([_words(parts[0]), *(str(m) for m in parts[1:] if isinstance(m, Within))])
    if origin in (typing.Union, types.UnionType):
        return ", or ".join(map(_words, parts))
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return f"a list of: {_words(parts[0])}"
        return f"a list of {len(parts)} ({'; '.join(map(_words, parts))})"
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return f"the settings {', '.join(field.name for field in dataclasses.fields(hint))}"
    return _NAMES.get(hint, str(hint))


def parsed(cls: type, values: Any, name: str = "") -> Any:
    """A settings dataclass from what JSON holds of it; fields that are not there keep their defaults.

    Raises:
      ConfigError: a setting that the class does not have, or a value that is not what it must be.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"the settings '{name}' are {str(values)[:60]!r}: they must be a table of names and values")
    known = hints(cls)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"saved settings hold '{unknown[0]}', which this version of lcjax does not know")
    ready = {}
    for inner, value in values.items():
        path = f"{name}.{inner}" if name else inner
        hint = known[inner]
        bare = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
        if isinstance(bare, type) and dataclasses.is_dataclass(bare):
            ready[inner] = parsed(bare, value, path)
        else:
            ready[inner] = _as_tuples(value)
            check_value(hint, ready[inner], path)
    return cls(**ready)


def _as_tuples(value: Any) -> Any:
    """Lists of JSON, nested ones too, as the tuples they were saved from."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
