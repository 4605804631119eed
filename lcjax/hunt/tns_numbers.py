"""The numbers by which the Transient Name Server knows surveys, cameras and filters, as far as they are known here.

Numbers: www.wis-tns.org/api/values. ATLAS has several telescopes and cameras, and an alert does not say by which number TNS knows its
own; Rubin's numbers are not known here at all. What is not known is given by whoever reports, never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lcjax.errors import ConfigError

CHOICES = {
    "atlas.instrument": "153, 159, 160, 167, 255 and 256 are ATLAS's cameras: the one of your telescope",
}
"""What there is to choose from, where that is known."""


@dataclass(frozen=True)
class Numbers:
    """Of one survey; an empty number is not known."""

    title: str
    """As a report calls the survey."""
    source: str = ""
    """Discovery data source."""
    instrument: str = ""
    exptime: str = ""
    """Usual exposure, seconds; empty: not said."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """Band -> number."""


KNOWN = {
    "ztf": Numbers("ZTF", "48", "196", "30", {"g": "110", "r": "111", "i": "112"}),
    "atlas": Numbers("ATLAS", exptime="30", filters={"c": "71", "o": "72"}),
    "lsst": Numbers("Rubin"),
}


def with_given(given: Sequence[str]) -> dict[str, Numbers]:
    """What is known, and what a user gives: `atlas.instrument=159`, `lsst.source=N`, `lsst.filter.g=N`.

    >>> with_given(["lsst.filter.g=7"])["lsst"].filters
    {'g': '7'}

    Raises:
      ConfigError: a word that names no survey or number.
    """
    found = dict(KNOWN)
    for word in given:
        name, equals, value = word.partition("=")
        survey, _, what = name.partition(".")
        band = what.removeprefix("filter.")
        if survey not in KNOWN or not equals or not value.isdigit() or int(value) < 1:
            raise ConfigError(
                f"'{word[:60]}' is no number of TNS: write SURVEY.WHAT=N with a survey of {', '.join(KNOWN)} "
                "and source, instrument or filter.BAND"
            )
        numbers = found[survey]
        if what in ("source", "instrument"):
            found[survey] = replace(numbers, **{what: value})
        elif what.startswith("filter.") and band:
            found[survey] = replace(numbers, filters={**numbers.filters, band: value})
        else:
            raise ConfigError(f"TNS has no number '{what[:40]}' of a survey: write source, instrument or filter.BAND")
    return found


def missing(survey: str, numbers: Numbers, bands: Sequence[str]) -> list[str]:
    """What must be given before objects of a survey with points in these bands can be reported, as `--tns-numbers` takes it."""
    found = [f"{survey}.{what}" for what in ("source", "instrument") if not getattr(numbers, what)]
    return found + [f"{survey}.filter.{band}" for band in sorted(set(bands)) if band not in numbers.filters]
