"""From the words of an address to a `Query`, every one of them checked."""

from collections.abc import Mapping

from lcjax.errors import ConfigError
from lcjax.hunt.search import RANGES, Query

_SWITCHES = {"known": "known", "star": "star", "solar_system": "solar_system"}
_TEXTS = ("text", "decision", "tag", "sort")
_OTHERS = ("bands", "classes", "min_absolute_latitude", "last_hours", "cone", "unseen", "order")
_PAGING = ("limit", "cursor", "total")
_LONGEST = 200


def query_of(words: Mapping[str, str], user: str) -> Query:
    """The list that an address asks for.

    >>> query_of({"min_score": "0.5", "known": "no", "order": "ascending"}, "ann").ranges
    {'score': (0.5, None)}

    Raises:
      ConfigError: a word that is not known, or a value that makes no sense.
    """
    given = {name: value for name, value in words.items() if value != "" and name not in _PAGING}
    ranges: dict[str, tuple[float | None, float | None]] = {}
    for name in RANGES:
        low, high = (_number(given, f"{end}_{name}") for end in ("min", "max"))
        if low is not None and high is not None and low > high:
            raise ConfigError(f"{name.replace('_', ' ')}: the lowest, {low:g}, is above the highest, {high:g}")
        if low is not None or high is not None:
            ranges[name] = (low, high)
    allowed = {*_SWITCHES, *_TEXTS, *_OTHERS, *(f"{end}_{name}" for end in ("min", "max") for name in RANGES)}
    if unknown := sorted(given.keys() - allowed):
        raise ConfigError(f"there is no filter '{unknown[0][:_LONGEST]}'")
    if given.get("order", "descending") not in ("ascending", "descending"):
        raise ConfigError("the order is ascending or descending")
    hours = _number(given, "last_hours")
    if hours is not None and hours <= 0:
        raise ConfigError(f"the last {hours:g} hours hold nothing: give more than 0")
    texts = {name: given[name][:_LONGEST] for name in _TEXTS if name in given}
    return Query(
        ranges=ranges,
        bands=_several(given.get("bands", "")),
        classes=_several(given.get("classes", "")),
        **{name: _switch(given, name) for name in _SWITCHES},  # type: ignore[arg-type]
        min_absolute_latitude=_number(given, "min_absolute_latitude"),
        last_hours=hours,
        cone=_cone(given.get("cone", "")),
        unseen_by=user if _switch(given, "unseen") else "",
        descending=given.get("order", "descending") == "descending",
        **texts,  # type: ignore[arg-type]
    )


def _number(given: Mapping[str, str], name: str) -> float | None:
    if name not in given:
        return None
    try:
        value = float(given[name])
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e18:
        raise ConfigError(f"{name.replace('_', ' ')} is {given[name][:40]!r}, no number")
    return value


def _switch(given: Mapping[str, str], name: str) -> bool | None:
    value = given.get(name)
    if value not in (None, "yes", "no"):
        raise ConfigError(f"{name.replace('_', ' ')} is yes or no")
    return None if value is None else value == "yes"


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip()[:_LONGEST] for part in text.split(",") if part.strip())[:50]


def _cone(text: str) -> tuple[float, float, float] | None:
    if not text:
        return None
    parts = text.replace(",", " ").split()
    try:
        ra, dec, radius = map(float, parts)
    except ValueError:
        raise ConfigError("a cone is three numbers: ra, dec and radius in degrees") from None
    if not (0 <= ra <= 360 and -90 <= dec <= 90 and 0 < radius <= 180):
        raise ConfigError("a cone is ra in 0 to 360, dec in -90 to 90 and a radius in 0 to 180 degrees")
    return ra, dec, radius
