"""Rubin packets, schemas v7.4 to v11 and newer ones that keep the names used here, from Avro or Parquet.

Schema: github.com/lsst/alert_packet. Cutouts are uncompressed FITS bytes, nJy, 30 x 30 pixels of 0.2 arcsec, with the
uncertainty and the PSF in extensions that are not read here. A detection belongs to a diaObject or to a solar-system object.
"""

from collections.abc import Mapping
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
from data_pipelines.sources.alerts.record import Alert

_NANOJANSKY_ZEROPOINT = 31.4
"""AB magnitude of 1 nJy."""

PARTS = {
    "diaObject": "diaObject",
    "ssSource": "ssSource",
    "ssObject": "ssObject",
    "mpc_orbits": "mpc_orbits",
    "MPCORB": "mpc_orbits",
}
"""Records beside the detection -> prefix of their fields in `Alert.metadata`; MPCORB is the name until v9."""

RENAMED = {"is_negative": "isNegative"}
"""Older field of diaSource -> its name since v8."""

_mjd = lambda row: real(row.get("midpointMjdTai"))
_band = lambda row: row.get("band") or ""
_DETECTIONS = {
    "alert_id": (np.int64, lambda row: integer(row.get("diaSourceId"))),
    "mjd": (np.float64, _mjd),
    "band": (str, _band),
    "flux": (np.float32, lambda row: real(row.get("psfFlux"))),
    "error": (np.float32, lambda row: real(row.get("psfFluxErr"))),
}
_FORCED = {name: _DETECTIONS[name] for name in ("mjd", "band", "flux", "error")}


def _limit(row: Mapping[str, Any]) -> float:
    """Five times the noise, in magnitudes."""
    noise = real(row.get("diaNoise"))
    return _NANOJANSKY_ZEROPOINT - 2.5 * np.log10(5 * noise) if noise > 0 else float("nan")


_LIMITS = {"mjd": (np.float64, _mjd), "band": (str, _band), "limit": (np.float32, _limit)}


def identity(packet: Mapping[str, Any]) -> tuple[int, str]:
    """(diaSourceId, id of the object): of the diaObject, else of the solar-system object, else of the detection itself.

    >>> identity({"diaSource": {"diaSourceId": 7, "diaObjectId": 0, "ssObjectId": 12}})
    (7, '12')
    """
    source = packet.get("diaSource") or {}
    own = source.get("diaSourceId") or packet.get("diaSourceId") or packet.get("alertId")
    alert_id = identifier(own, "diaSourceId")
    objects = (identifier(source.get(name), name) for name in ("diaObjectId", "ssObjectId"))
    object_id = next(filter(None, objects), alert_id)
    return alert_id, str(object_id) if object_id else ""


def read_packet(packet: Mapping[str, Any], rules: StampRules, origin: str) -> Alert:
    """The alert of a packet.

    Raises:
      PacketError: no id, time or position. StampError: the stamps do not meet the rules.
    """
    source = packet.get("diaSource")
    if not isinstance(source, Mapping):
        raise PacketError("missing field: diaSource")
    alert_id, object_id = identity(packet)
    check_named(diaSourceId=alert_id)
    mjd, ra, dec = position(source.get("midpointMjdTai"), source.get("ra"), source.get("dec"))
    metadata = scalars(packet) | scalars(source)
    for name, prefix in PARTS.items():
        if isinstance(packet.get(name), Mapping):
            metadata |= scalars(packet[name], f"{prefix}.")
    for old, new in RENAMED.items():
        if old in metadata:
            metadata.setdefault(new, metadata.pop(old))
    faults: dict[str, str] = {}
    cutouts = {name: as_cutout(packet.get(field)) for name, field in CUTOUTS.items()}
    return Alert(
        survey="lsst",
        object_id=object_id,
        alert_id=alert_id,
        mjd=mjd,
        ra=ra,
        dec=dec,
        band=_band(source),
        metadata=metadata,
        stamps=rules.decode(cutouts, "lsst", faults),
        stamp_faults=faults,
        history=columns(records(packet.get("prvDiaSources")), _DETECTIONS),
        non_detections=columns(records(packet.get("prvDiaNondetectionLimits")), _LIMITS),
        forced_photometry=columns(records(packet.get("prvDiaForcedSources")), _FORCED),
        origin=origin,
    )
