"""Quality flags of points: which columns are flags, and which of their values set a point aside.

| column | points set aside | source |
| --- | --- | --- |
| catflags | bit 32768 | ZTF data releases, light curves |
| infobits, infobitssci | bits from 33554432 on | ZTF forced photometry |
| quality, sap_quality | any bit, beside `pdcsap_flux` or `sap_flux` of Kepler and TESS | archive manuals: 0 is without remark |
| rejected_by_photometry, rejected_by_variability | true | Gaia epoch photometry |
| upperlimit, is_upper_limit | true: a limit is no measurement; it is kept as a limit among fluxes | Open Supernova Catalog |
| psfflux_flag, scienceflux_flag, psfdiffflux_flag | true, of the flux that is used | Rubin |
| the user's (`--columns.flag`) | by this table, else any value but 0, false, empty | |

A flag that is missing says nothing against a point.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_pipelines.kinds.light_curves.brightness_columns import first, named, short
from lcjax.errors import ConfigError, DataError

if TYPE_CHECKING:
    from data_pipelines.kinds.light_curves.columns import ColumnNames

ANY = -1
"""All bits."""
_BITS = {"catflags": 1 << 15, "infobits": -(1 << 25), "infobitssci": -(1 << 25)}
"""Column -> bits that set a point aside; a negative number has all bits from one on."""
_LIMITS = ("upperlimit", "is_upper_limit")
_TRUE = ("rejected_by_photometry", "rejected_by_variability", *_LIMITS)
_MISSIONS = ("quality", "sap_quality")
_MISSION_FLUXES = ("pdcsap_flux", "sap_flux")
_UNUSED = ("flag", "flags", "quality", "qflag", "q", "grade", "sap_quality", "photflag")
_GOOD = ("", "0", "f", "false", "none", "null", "nan")


@dataclass(frozen=True)
class Flags:
    """The flags of one table."""

    bits: dict[str, int]
    """Column -> bits of it that set a point aside."""
    said: str
    """For the report; empty where there is nothing to say."""

    @property
    def limits(self) -> tuple[str, ...]:
        """Those that say that the brightness is an upper limit."""
        return tuple(name for name in self.bits if short(name) in _LIMITS)

    def faults(self, series: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Reason -> (N,) bool, True at points that are set aside.

        Args:
          series: column -> (N,) float64 of each of `bits`; NaN says nothing.
        """
        out = {}
        for name, bits in self.bits.items():
            values = np.where(np.isfinite(series[name]), series[name], 0)
            out[flag_fault(name)] = (values.astype(np.int64) & bits != 0) | ((bits == ANY) & (values != 0))
        return out


def flag_fault(name: str) -> str:
    """The reason why a flag sets a point aside."""
    return f"flagged by {name}"


def choose_flags(names: Sequence[str], columns: Mapping[str, str], given: "ColumnNames", where: str) -> Flags:
    """The flags of a table.

    Args:
      names: of all columns. columns: field -> column of those already known. given: by the user. where: the file.

    Raises:
      ConfigError: bits without a flag, or bits that are none. DataError: the user's column is not there.
    """
    if given.flag_bits is not None and (given.flag_bits <= 0 or given.flag in (None, "none")):
        raise ConfigError(
            f"--columns.flag-bits {given.flag_bits} needs a positive number and a column: name it with --columns.flag"
        )
    if given.flag == "none":
        return Flags({}, "flags not used")
    if given.flag is not None:
        name = named(given.flag, names)
        if name is None:
            raise DataError(
                f"'{where}' has no column '{given.flag}' for the flag: it has {', '.join(names)}; name it with --columns.flag"
            )
        bits = given.flag_bits if given.flag_bits is not None else _BITS.get(short(name), ANY)
        return Flags({name: bits}, _said({name: bits}))
    found = {column: bits for flag, bits in _BITS.items() if (column := first((flag,), names))}
    found |= {column: ANY for flag in _TRUE if (column := first((flag,), names))}
    flux = short(columns.get("flux", ""))
    if flux and (column := first((f"{flux}_flag",), names)):
        found[column] = ANY
    if first(_MISSION_FLUXES, names) and (column := first(_MISSIONS, names)):
        found[column] = ANY
    unused = first(_UNUSED, names, (*found, *columns.values()))
    if unused is not None and not found:
        return Flags({}, f"'{unused}' not used (--columns.flag {unused} does, with 0 as good)")
    return Flags(found, _said(found))


def _said(bits: Mapping[str, int]) -> str:
    some = lambda value: "" if value == ANY else f" & {value}" if value > 0 else f" >= {-value}"
    return ", ".join(f"{name}{some(value)}" for name, value in bits.items())


def truths(texts: Iterable[str | None]) -> np.ndarray:
    """Flags that are text as (N,) float64: numbers as they are, 0 for false or empty, 1 for everything else.

    >>> truths(["8", "False", "", None, "t"]).tolist()
    [8.0, 0.0, 0.0, 0.0, 1.0]
    """

    def one(text: str | None) -> float:
        plain = (text or "").strip().lower()
        if plain in _GOOD:
            return 0.0
        try:
            return float(plain)
        except ValueError:
            return 1.0

    return np.array([one(text) for text in texts], np.float64)
