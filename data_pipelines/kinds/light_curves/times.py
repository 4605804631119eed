"""What the times of a table count, decided for the whole table: by option, name, unit and header, checked by their range.

Everything becomes MJD in days. Time systems (UTC, TDB, TAI) and barycentric corrections are left as they are: they differ by
minutes at most. What remains ambiguous is refused with the choices.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np

from lcjax.errors import ConfigError

TimeFormat = Literal[
    "auto", "mjd", "jd", "hjd", "bjd", "btjd", "bkjd", "jd-2400000", "hjd-2400000", "bjd-2400000", "jd-2450000", "hjd-2450000",
    "bjd-2450000", "gaia", "unix", "iso", "mjd-seconds", "btjd-seconds", "bkjd-seconds",
]  # fmt: skip
MJD_ZERO = 2_400_000.5
"""Julian date of MJD 0."""
UNIX_ZERO = 40_587.0
"""MJD of 1970-01-01."""
_OLDEST = -750_000.0
"""MJD before which nothing was written down, to check what the user says."""
FIRST, LAST = 15_020.0, 88_069.0
"""MJD of 1900 and 2100: the middle of a table's times lies between them, or they are not what they are taken for."""

_ENOUGH, _SECONDS_LOST = 10, 10.0
_SECONDS, _IN_SECONDS = "-seconds", " in seconds"

_OFFSETS = {"btjd": 2_457_000.0, "bkjd": 2_454_833.0, "gaia": 2_455_197.5, "jd": 0.0, "hjd": 0.0, "bjd": 0.0}
_OFFSETS |= {f"{k}jd-{n}": float(n) for k in ("", "h", "b") for n in (2_400_000, 2_450_000)}
"""Julian date of the zero of each format."""
_NAMED: dict[str, tuple[str, ...]] = {
    "mjd": ("mjd", "hmjd", "bmjd", "midpointmjdtai", "midpointtai", "obsmjd", "mjd_obs", "expmidptmjd"),
    "jd": ("jd", "hjd", "bjd", "bjd_tdb"),
    "btjd": ("btjd",),
    "bkjd": ("bkjd",),
    "gaia": ("g_transit_time", "bp_obs_time", "rp_obs_time"),
    "unix": ("unix", "unixtime", "unix_time", "timestamp"),
}
_BY_NAME = {name: known for known, names in _NAMED.items() for name in names}
_OTHER_UNITS = ("h", "hr", "hour", "min", "minute", "yr", "year", "a", "ms", "us")
_MINUS = re.compile(r"(?P<modified>m?)jd(?![a-z])[^0-9]*?[-_]\s*\(?(?P<zero>\d{4,7}(?:\.\d+)?)")
_ISO = re.compile(r"\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?\s*$")


@dataclass(frozen=True)
class Clock:
    """How the numbers of a column become MJD."""

    zero: float
    """MJD of the number 0."""
    per_day: float
    said: str
    """For the report: what the times were taken for, and why."""
    rounded: str = ""
    """For the report: to how much they are rounded, where that is more than seconds."""

    def mjd(self, values: np.ndarray) -> np.ndarray:
        """(N,) float64, days."""
        values = np.asarray(values, np.float64)
        return values if self.per_day == 1 and not self.zero else values / self.per_day + self.zero


AS_MJD = Clock(0.0, 1.0, "MJD")


SCALE = "time scale"
"""As reports call it."""
_SCALES = dict.fromkeys(("midpointmjdtai", "midpointtai", "expmidptmjd"), "mjd_tai")
_SCALES |= dict.fromkeys(("btjd", "bkjd", "bjd_tdb"), "bjd_tdb") | dict.fromkeys(("hjd", "hmjd"), "hjd")
_SCALES |= {"gaia": "bjd_tcb", "g_transit_time": "bjd_tcb"}
"""Names and formats that say their time scale: Rubin's, ELAsTiCC's, TESS's and Kepler's, ZTF's, Gaia's (all as MJD in records)."""


def time_scale(name: str, iso: bool, clock: Clock, unit: str, header: Mapping[str, object]) -> str:
    """The time scale of a column, as far as it says it: `mjd_tai`, `mjd_utc`, `bjd_tdb`, `bjd_tcb`, `hjd`; empty where it does not.

    Args:
      name: of the column, its last part, in lower case. iso: whether they are dates. unit, header: as in `choose_clock`.

    >>> time_scale("midpointmjdtai", False, AS_MJD, "", {}), time_scale("mjd", False, AS_MJD, "", {})
    ('mjd_tai', '')
    """
    if iso:
        return "mjd_utc"
    asked = clock.said.lower().removesuffix(" (its name)").removesuffix(_IN_SECONDS)
    asked = "gaia" if "gaia" in f"{asked} {unit.lower()}" else asked
    system = str(header.get("TIMESYS", "")).strip().lower()
    barycentric = any(str(key).startswith("BJDREF") for key in header) or "bjd" in unit.lower()
    if barycentric and system in ("tdb", "tcb"):
        return f"bjd_{system}"
    if name in _SCALES or asked in _SCALES:
        return _SCALES.get(name) or _SCALES[asked]
    return f"mjd_{system}" if system in ("tai", "utc", "tdb", "tt") else ""


def choose_clock(
    values: np.ndarray,
    name: str,
    where: str,
    asked: TimeFormat = "auto",
    unit: str = "",
    header: Mapping[str, object] | None = None,
) -> Clock:
    """What the times of a table count.

    Args:
      values: (N,) of the table, or enough of them to tell. name: of the column, its last part. where: the file.
      asked: by the user. unit: of the column (FITS TUNIT). header: of a FITS table, keys in upper case.

    Raises:
      ConfigError: they can mean two things, or are not what they are said to be.
    """
    clock = _choose(values, name, where, asked, unit, header)
    return replace(clock, rounded=_rounding(values[np.isfinite(values)], clock))


def _choose(
    values: np.ndarray, name: str, where: str, asked: TimeFormat, unit: str, header: Mapping[str, object] | None
) -> Clock:
    finite = values[np.isfinite(values)]
    middle = float(np.median(finite)) if len(finite) else np.nan
    counted = (unit or str((header or {}).get("TIMEUNIT", ""))).strip().lower()
    if asked == "auto" and counted in _OTHER_UNITS:
        raise ConfigError(f"{_column(name, where, middle)} in '{counted}': write days or seconds, or {_say()}")
    clock = _asked(asked) if asked != "auto" else _declared(name.lower(), unit.lower(), header or {})
    if clock is None:
        clock = _by_range(middle)
    if clock is None:
        raise ConfigError(f"{_column(name, where, middle)}, {_guesses(middle)}: {_say()}")
    if not len(finite) or asked == "mjd":
        return clock  # nothing to check by, or the user's word: historical observations are as old as they are
    if clock == Clock(0.0, 1.0, clock.said) and FIRST <= middle - MJD_ZERO <= LAST:
        return Clock(-MJD_ZERO, 1.0, f"JD (its range, not {clock.said})")
    found = float(clock.mjd(np.array([middle]))[0])
    if clock.zero == -MJD_ZERO and asked == "auto" and middle < 2e6:
        raise ConfigError(
            f"{_column(name, where, middle)}, too small for whole Julian dates, {_guesses(middle)}: {_say()}"
        )
    no_seconds = clock.zero == UNIX_ZERO and abs(middle) < 1e7
    if no_seconds or not (FIRST if asked == "auto" else _OLDEST) <= found <= LAST:
        raise ConfigError(
            f"{_column(name, where, middle)}, as {clock.said} MJD {found:,.0f}, {_guesses(middle)}: {_say()}"
        )
    return clock


def _rounding(values: np.ndarray, clock: Clock) -> str:
    """What is lost where all times are numbers of 32 bits, or whole days; empty: seconds, or nothing that can be seen.

    >>> _rounding(np.arange(58000.0, 58400.0, 9.03).astype(np.float32).astype(float), AS_MJD)
    'rounded to 5.6 minutes: they are numbers of 32 bits'
    """
    if len(values) < _ENOUGH:
        return ""
    if (values == np.rint(values)).all():
        seconds = 86_400 / clock.per_day
        return "rounded to whole days" if seconds == 86_400 else ""
    single = values.astype(np.float32)
    if not (single == values).all():
        return ""
    seconds = float(np.spacing(np.abs(single).max())) * 86_400 / clock.per_day
    if seconds < _SECONDS_LOST:
        return ""
    said = (
        f"{seconds / 3600:.1f} hours"
        if seconds >= 3600
        else f"{seconds / 60:.1f} minutes"
        if seconds >= 60
        else f"{seconds:.0f} s"
    )
    return f"rounded to {said}: they are numbers of 32 bits"


def _asked(asked: TimeFormat) -> Clock:
    if asked.endswith(_SECONDS):
        days = _asked(asked.removesuffix(_SECONDS))  # type: ignore[arg-type]
        return Clock(days.zero, 86_400.0, f"{days.said}{_IN_SECONDS}")
    if asked in ("mjd", "iso"):
        return Clock(0.0, 1.0, asked if asked == "iso" else "MJD")
    if asked == "unix":
        return Clock(UNIX_ZERO, 86_400.0, "Unix seconds")
    return _after(_OFFSETS[asked], asked.upper() if asked != "gaia" else "Gaia's days")


def _after(zero_jd: float, said: str) -> Clock:
    return Clock(zero_jd - MJD_ZERO, 1.0, said)


def _declared(name: str, unit: str, header: Mapping[str, object]) -> Clock | None:
    """By unit or name with an offset, then the name, then the header; None: none of them says."""
    for text, what in ((unit, "its unit"), (name, "its name")):
        if (zero := offset_of_name(text)) is not None:
            return Clock(zero, 1.0, f"{text.partition(',')[0].upper()} ({what})")
    known = _BY_NAME.get(name) or _BY_NAME.get(unit)
    by_header = _by_header(unit, header)
    if known is None or (known == "jd" and by_header):
        return by_header
    clock = _asked(known)  # type: ignore[arg-type]
    return Clock(clock.zero, clock.per_day, f"{clock.said} ({'its name' if name in _BY_NAME else 'its unit'})")


def _by_header(unit: str, header: Mapping[str, object]) -> Clock | None:
    unit = unit or str(header.get("TIMEUNIT", "d")).strip().lower()
    per_day = 86_400.0 if unit in ("s", "sec", "second", "seconds") else 1.0
    system = str(header.get("TIMESYS", "")).strip()
    for key, zero in (("BJDREF", MJD_ZERO), ("JDREF", MJD_ZERO), ("MJDREF", 0.0)):
        parts = [header.get(key), header.get(f"{key}I"), header.get(f"{key}F")]
        numbers = [float(p) for p in parts if isinstance(p, int | float)]
        if numbers:
            total = numbers[0] if parts[0] is not None else sum(numbers)
            unit_said = "seconds" if per_day > 1 else "days"
            return Clock(total - zero, per_day, f"{unit_said} after {key} {total:.10g} {system}".strip() + " (header)")
    return None


def offset_of_name(name: str) -> float | None:
    """MJD of 0 for a name or unit that says what was subtracted; None for others.

    >>> offset_of_name("hjd-2450000"), offset_of_name("bjd - 2457000, days"), offset_of_name("mjd")
    (49999.5, 56999.5, None)
    >>> offset_of_name("mjd_2020"), offset_of_name("jd_50000")
    (None, None)
    """
    match = _MINUS.search(name.lower())
    if match is None:
        return None
    zero = float(match["zero"])
    if match["modified"]:
        return zero if 10_000 <= zero < LAST else None
    return zero - MJD_ZERO if 2_300_000 <= zero < 2_500_000 else None


def _by_range(middle: float) -> Clock | None:
    if not np.isfinite(middle):
        return AS_MJD  # no time at all: cleaning says so star by star
    if FIRST <= middle <= LAST:
        return Clock(0.0, 1.0, "MJD (its range)")
    if FIRST <= middle - MJD_ZERO <= LAST:
        return Clock(-MJD_ZERO, 1.0, "JD (its range)")
    return None


def _guesses(middle: float) -> str:
    if 0 < middle < FIRST:
        return "which may be BTJD (TESS), BKJD (Kepler), HJD-2450000, Gaia's or another count of days"
    if FIRST <= middle <= LAST:
        return "which may be MJD or a Julian date less 2400000, half a day apart"
    if 1e8 < middle < 1e10:
        return "which may be seconds: of Unix, GPS or a mission"
    return "which is no MJD or JD of an observation"


def _column(name: str, where: str, middle: float) -> str:
    return f"column '{name}' of '{where}' holds times around {middle:,.1f}"


def _say() -> str:
    return f"say what they are with --columns.time-format {'|'.join(get_args(TimeFormat)[1:])}"


def is_iso(text: str) -> bool:
    """Whether a text is a date or time as ISO 8601 writes it.

    >>> is_iso("2019-03-04T05:06:07.8Z"), is_iso("04/03/2019")
    (True, False)
    """
    return _ISO.match(text) is not None


def iso_to_mjd(text: str | None) -> float:
    """MJD of a date and time; UTC where it names no zone; NaN where it is none.

    >>> iso_to_mjd("1858-11-18 12:00"), iso_to_mjd("soon")
    (1.5, nan)
    """
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return float("nan")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1858, 11, 17, tzinfo=UTC)
    return since.days + (since.seconds + since.microseconds * 1e-6) / 86_400
