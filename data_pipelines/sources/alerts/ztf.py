"""ZTF packets, schemas 3.x to 4.x, from Avro or from a broker's Parquet.

Schema: github.com/ZwickyTransientFacility/ztf-avro-alert. `prv_candidates` mixes detections and upper limits of the last 30
days (an entry without a magnitude is a limit); `fp_hists` is forced photometry since schema 4.01.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from data_pipelines.sources.alerts.packets import (
    CUTOUTS,
    PacketError,
    StampRules,
    as_cutout,
    check_named,
    columns,
    identifier,
    integer,
    position,
    real,
    records,
    scalars,
)
from data_pipelines.sources.alerts.record import STAMP_SIZES, ZTF_BANDS, Alert, Stamp
from data_pipelines.sources.alerts.world import World

JD_MINUS_MJD = 2400000.5
_NO_FORCED_FLUX = -99999.0
_PIXEL = 1.0124 / 3600
"""Degrees; see `measured_world`."""

is_positive = lambda value: value in ("t", "T", "1", 1, True)
"""Whether `isdiffpos` says that the source is brighter than in the template: "t" and "1" do, "f" and "0" do not."""

_mjd = lambda row: real(row.get("jd")) - JD_MINUS_MJD
_band = lambda row: ZTF_BANDS.get(row.get("fid"), "")

_DETECTIONS = {
    "alert_id": (np.int64, lambda row: integer(row.get("candid"))),
    "mjd": (np.float64, _mjd),
    "band": (str, _band),
    "magnitude": (np.float32, lambda row: real(row.get("magpsf"))),
    "error": (np.float32, lambda row: real(row.get("sigmapsf"))),
    "positive": (bool, lambda row: is_positive(row.get("isdiffpos"))),
}
_LIMITS = {
    "mjd": (np.float64, _mjd),
    "band": (str, _band),
    "limit": (np.float32, lambda row: real(row.get("diffmaglim"))),
}


def _flux(name: str) -> Any:
    def value(row: Mapping[str, Any]) -> float:
        found = real(row.get(name))
        return float("nan") if found == _NO_FORCED_FLUX else found

    return value


_FORCED = {
    "mjd": (np.float64, _mjd),
    "band": (str, _band),
    "flux": (np.float32, _flux("forcediffimflux")),
    "error": (np.float32, _flux("forcediffimfluxunc")),
    "zeropoint": (np.float32, lambda row: real(row.get("magzpsci"))),
}


def identity(packet: Mapping[str, Any]) -> tuple[int, str]:
    """(candid, objectId), 0 and empty where the packet has none."""
    candidate = packet.get("candidate") or {}
    return identifier(packet.get("candid") or candidate.get("candid"), "candid"), str(packet.get("objectId") or "")


def read_packet(packet: Mapping[str, Any], rules: StampRules, origin: str) -> Alert:
    """The alert of a packet.

    A broker's table may give cutouts and ids only, or the candidate's fields as columns of their own; scalar columns beside
    the candidate (cross-matches, scores) are kept in `metadata` under their own names.

    Raises:
      PacketError: no id, time or position. StampError: the stamps do not meet the rules.
    """
    alert_id, object_id = identity(packet)
    check_named(objectId=object_id, candid=alert_id)
    nested = packet.get("candidate")
    candidate = nested if isinstance(nested, Mapping) else packet
    mjd, ra, dec = float("nan"), float("nan"), float("nan")
    if isinstance(nested, Mapping) or "jd" in packet:
        mjd, ra, dec = position(candidate.get("jd"), candidate.get("ra"), candidate.get("dec"), JD_MINUS_MJD)
    elif "candidate" in packet:
        raise PacketError("missing field: candidate")
    faults: dict[str, str] = {}
    cutouts = {name: as_cutout(packet.get(field)) for name, field in CUTOUTS.items()}
    stamps = rules.decode(cutouts, "ztf", faults)
    if rules.ztf_orientation:
        stamps = {name: _with_world(stamp, ra, dec, candidate) for name, stamp in stamps.items()}
    previous = records(packet.get("prv_candidates"))
    detected = [np.isfinite(real(row.get("magpsf"))) for row in previous]
    return Alert(
        survey="ztf",
        object_id=object_id,
        alert_id=alert_id,
        mjd=mjd,
        ra=ra,
        dec=dec,
        band=_band(candidate),
        metadata=scalars(packet) | scalars(candidate),
        stamps=stamps,
        stamp_faults=faults,
        history=columns([row for row, yes in zip(previous, detected, strict=True) if yes], _DETECTIONS),
        non_detections=columns([row for row, yes in zip(previous, detected, strict=True) if not yes], _LIMITS),
        forced_photometry=columns(records(packet.get("fp_hists")), _FORCED),
        origin=origin,
    )


def measured_world(ra: float, dec: float, xpos: float, ypos: float) -> World:
    """How a whole (63 x 63) cutout lies on the sky, by measurement: columns run west, rows south, pixels of 1.0124 arcsec.

    No packet and no published description of the packets says so. Brokers flip the rows to have north up (`make_thumbnail` of
    github.com/skyportal/kowalski); and positions against pixels (`xpos`, `ypos`) of all alerts of an exposure give this matrix
    in each of eight detector quadrants, turned by 0.7 degrees at most. The middle pixel is the one nearest (`xpos`, `ypos`), to
    0.2 pixels. Good to about half an arcsecond.

    Args:
      ra, dec: of the alert, degrees. xpos, ypos: its pixel on the detector; where it is in the middle pixel follows from them.
    """
    middle = (STAMP_SIZES["ztf"] - 1) / 2
    x, y = (middle + (at - round(at) if np.isfinite(at) else 0.0) for at in (xpos, ypos))
    return World(x, y, ra, dec, (-_PIXEL, 0.0, 0.0, -_PIXEL))


def _with_world(stamp: Stamp, ra: float, dec: float, candidate: Mapping[str, Any]) -> Stamp:
    """Cutouts that say it themselves, that were clipped at a detector's edge, and alerts without a position stay as they are."""
    side = STAMP_SIZES["ztf"]
    if stamp.world is not None or stamp.pixels.shape != (side, side) or not np.isfinite(ra + dec):
        return stamp
    return replace(stamp, world=measured_world(ra, dec, real(candidate.get("xpos")), real(candidate.get("ypos"))))
