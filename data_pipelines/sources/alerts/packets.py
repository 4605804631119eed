"""A decoded packet -> an `Alert`: what all surveys share, and the rules that stamps must meet."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from data_pipelines.sources.alerts.fits_stamp import StampError, decode_stamp
from data_pipelines.sources.alerts.record import (
    PIXEL_SCALES,
    STAMP_NAMES,
    STAMP_SIZES,
    Stamp,
    as_number,
)
from lcjax.errors import ConfigError

CUTOUTS = dict(zip(STAMP_NAMES, ("cutoutScience", "cutoutTemplate", "cutoutDifference"), strict=True))
"""Stamp -> the packet's field that holds it, in all surveys."""


_ID = re.compile(r"[0-9]{1,19}")
_EXACT = 1 << 53
_LARGEST_ID = 1 << 63
_LAST_MJD = 1e10
"""Beyond all that means anything; Rubin's made-up packets have 1.48e9."""


class PacketError(ValueError):
    """A packet that cannot become an alert; the message is the reason."""


@dataclass(frozen=True)
class StampRules:
    """Which cutouts an alert must have and what they must be like, and what else of the packet is wanted."""

    need: tuple[str, ...] = STAMP_NAMES
    """Cutouts without which the alert is rejected; in `STAMP_NAMES`."""
    optional: tuple[str, ...] = ()
    """Cutouts that are decoded where possible and left out otherwise."""
    size: int | str = "nominal"
    """Side in pixels; `nominal`: the survey's (63 ZTF, 30 Rubin, 61 ATLAS), so that cutouts clipped at a detector's edge are rejected
    as the published classifier does; `any`: whatever the packet has."""
    max_missing: float = 1.0
    """Largest fraction of non-finite pixels of a needed cutout; one without any finite pixel is always rejected. The
    published classifier keeps stamps with missing pixels (5 % of its training set) and sets those pixels to 0."""
    history: bool = True
    """Whether to read previous detections, upper limits and forced photometry; without them decoding a ZTF packet takes
    little more than half the time."""
    ztf_orientation: bool = False
    """ZTF's packets do not say how their cutouts lie on the sky: take it to be as measured (see `ztf.measured_world`)."""

    def __post_init__(self) -> None:
        """Raises ConfigError for names, sizes and fractions that do not exist."""
        if unknown := set(self.need + self.optional) - set(STAMP_NAMES):
            raise ConfigError(f"there is no stamp '{sorted(unknown)[0]}': use {', '.join(STAMP_NAMES)}")
        if self.size not in ("nominal", "any") and not (isinstance(self.size, int) and self.size > 0):
            raise ConfigError(f"the stamp size is {self.size!r}: give pixels, nominal or any")
        if not 0 <= self.max_missing <= 1:
            raise ConfigError(f"the largest fraction of missing pixels is {self.max_missing}: it must be in 0 to 1")

    def decode(self, cutouts: Mapping[str, Any], survey: str, faults: dict[str, str] | None = None) -> dict[str, Stamp]:
        """The stamps of a packet.

        Args:
          cutouts: stamp name -> FITS bytes or None. survey: gives the nominal size and pixel scale.
          faults: gets the optional stamps that cannot be used, with the reason.

        Raises:
          StampError: a needed one is missing or damaged, of the wrong size, or has too many missing pixels.
        """
        for name in self.need:
            if cutouts.get(name) is None:
                raise StampError(f"missing cutout: {name}")
        stamps = {name: _decode(name, cutouts[name], survey) for name in self.need}
        self.check(stamps, survey)
        for name in self.optional:
            if name not in stamps and cutouts.get(name) is not None:
                try:
                    stamps[name] = _decode(name, cutouts[name], survey)
                except StampError as error:
                    if faults is not None:
                        faults[name] = str(error)
        return stamps

    def check(self, stamps: Mapping[str, Stamp], survey: str) -> None:
        """Sizes and missing pixels of decoded stamps.

        Raises:
          StampError: as in `decode`.
        """
        side = STAMP_SIZES.get(survey) if self.size == "nominal" else self.size
        for name, stamp in stamps.items():
            height, width = stamp.pixels.shape
            if isinstance(side, int) and (height, width) != (side, side):
                raise StampError(f"stamp size: {name} is {height}x{width}, not {side}x{side}")
            finite = np.count_nonzero(np.isfinite(stamp.pixels)) / stamp.pixels.size
            if finite == 0:
                raise StampError(f"no valid pixel: {name}")
            if 1 - finite > self.max_missing:
                raise StampError(f"missing pixels: {1 - finite:.0%} of {name}")


def _decode(name: str, data: Any, survey: str) -> Stamp:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise StampError(f"damaged cutout: {name} is not bytes")
    try:
        pixels, scale, world = decode_stamp(bytes(data))
    except StampError as error:
        raise StampError(f"{error} ({name})") from None
    return Stamp(pixels, scale or PIXEL_SCALES.get(survey, 1.0), world)


def as_cutout(value: Any) -> Any:
    """The bytes of a cutout field: themselves (Rubin) or in `stampData` (ZTF)."""
    return value.get("stampData") if isinstance(value, Mapping) else value


def scalars(record: Mapping[str, Any], prefix: str = "") -> dict[str, float | str | None]:
    """The scalar fields of a record as `Alert.metadata` keeps them; a part of a packet is none, even where it is null."""
    return {
        prefix + k: as_number(v) for k, v in record.items() if not isinstance(v, dict | list | bytes) and k not in PARTS
    }


def columns(
    rows: Iterable[Mapping[str, Any]], spec: Mapping[str, tuple[type | str, Callable[[Mapping[str, Any]], Any]]]
) -> dict[str, np.ndarray]:
    """Rows as columns of one length, in time order; column `mjd` must be there.

    Args:
      rows: packets' records. spec: column -> (dtype, value of a record).
    """
    rows = list(rows)
    if not rows:
        return {name: np.zeros(0, dtype) for name, (dtype, _) in spec.items()}
    out = {name: np.array([value(row) for row in rows], dtype) for name, (dtype, value) in spec.items()}
    order = np.argsort(out["mjd"], kind="stable")
    return {name: column[order] for name, column in out.items()}


HISTORY_FIELDS = frozenset(
    {"prv_candidates", "fp_hists", "prvDiaSources", "prvDiaForcedSources", "prvDiaNondetectionLimits"}
)
"""What `StampRules.history` is about, in packets of both surveys."""

PARTS = HISTORY_FIELDS | {
    *("candidate", "diaSource", "diaObject", "ssSource", "ssObject", "mpc_orbits", "MPCORB"),
    *CUTOUTS.values(),
}
"""Fields of packets that are records, lists or cutouts. Brokers add many more; those are not read."""


def real(value: Any) -> float:
    """A float; NaN for null and for what is no number."""
    if type(value) is float:
        return value
    return float(value) if isinstance(value, int | float) else float("nan")


def integer(value: Any) -> int:
    """An integer; 0 for null and NaN."""
    return int(value) if isinstance(value, int) or (isinstance(value, float) and np.isfinite(value)) else 0


def identifier(value: Any, name: str) -> int:
    """An id as an integer, also from text of digits or a decimal as brokers' tables have them; 0 for null.

    >>> identifier("2475433850415015017", "candid"), identifier(None, "candid")
    (2475433850415015017, 0)

    Raises:
      PacketError: it is no integer, or a floating-point number too large to say which.
    """
    if isinstance(value, str | Decimal) and _ID.fullmatch(str(value)):
        value = int(value)
    if isinstance(value, float) and abs(value) > _EXACT:
        raise PacketError(f"inexact id: {name} is a floating-point number beyond 2^53")
    if isinstance(value, int | float) and -_LARGEST_ID <= value < _LARGEST_ID and value == int(value):
        return int(value)
    if value is None or value == "" or value != value:
        return 0
    raise PacketError(f"unusable id: {name} is {str(value)[:40]!r}")


def records(value: Any) -> Sequence[Mapping[str, Any]]:
    """A packet's list of records; empty for null."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def check_named(**ids: int | str) -> None:
    """Raises PacketError for the first id that is empty or 0.

    >>> check_named(objectId="ZTF18aaa", candid=7)
    """
    for name, value in ids.items():
        if not value:
            raise PacketError(f"missing field: {name}")


def position(time: Any, ra: Any, dec: Any, zero: float = 0.0) -> tuple[float, float, float]:
    """(mjd, ra, dec) of a detection from the values of its fields.

    Args:
      time: days since MJD -`zero`. ra, dec: degrees.

    Raises:
      PacketError: one is missing or impossible.
    """
    for name, value in (("the time of the detection", time), ("ra", ra), ("dec", dec)):
        if not np.isfinite(real(value)):
            what = "" if value is None or value != value else f" is {str(value)[:40]!r}, no finite number"
            raise PacketError(f"missing field: {name}{what}")
    if not 0 < time - zero < _LAST_MJD:
        raise PacketError(f"impossible time: {time!r}")
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise PacketError(f"impossible position: ra {ra!r}, dec {dec!r}")
    return float(time - zero), float(ra), float(dec)
