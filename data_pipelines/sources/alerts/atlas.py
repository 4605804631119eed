"""ATLAS packets, schema 0.1, from Avro: science and difference stamps and the candidate's fields; there is no template.

Schema: in the packets themselves (namespace `atlas`). Cutouts are FITS of 61 x 61 pixels of 1.86 arcsec, plain or compressed.
Their world coordinates are distorted (TPV), so they give a pixel scale and no places. Packets hold no history.
"""

from collections.abc import Mapping
from typing import Any

from data_pipelines.sources.alerts.packets import (
    CUTOUTS,
    StampRules,
    as_cutout,
    check_named,
    identifier,
    position,
    scalars,
)
from data_pipelines.sources.alerts.record import Alert

_MAX_DIGITS = 18


def is_packet(packet: Mapping[str, Any]) -> bool:
    """Whether a decoded packet is of ATLAS: its candidate has `RA` and `Dec` where ZTF's has `ra` and `dec`."""
    candidate = packet.get("candidate")
    return isinstance(candidate, Mapping) and {"RA", "Dec"} <= candidate.keys()


def identity(packet: Mapping[str, Any]) -> tuple[int, str]:
    """(alert id, objectId), 0 and empty where the packet has none.

    `candid` is a text of telescope, night, exposure and running number; the alert's id is the number that its digits make. The
    text itself stays in the metadata.

    >>> identity({"candid": "02a59543o0072o_000833", "objectId": "1212843181203537920"})
    (2595430072000833, '1212843181203537920')
    """
    candid = packet.get("candid")
    if isinstance(candid, str):
        digits = "".join(c for c in candid if c in "0123456789")
        candid = digits if 0 < len(digits) <= _MAX_DIGITS else candid
    return identifier(candid, "candid"), str(packet.get("objectId") or "")


def read_packet(packet: Mapping[str, Any], rules: StampRules, origin: str) -> Alert:
    """The alert of a packet.

    Raises:
      PacketError: no id, time or position. StampError: the stamps do not meet the rules.
    """
    alert_id, object_id = identity(packet)
    check_named(objectId=object_id, candid=alert_id)
    candidate = packet["candidate"]
    mjd, ra, dec = position(candidate.get("mjd"), candidate.get("RA"), candidate.get("Dec"))
    faults: dict[str, str] = {}
    cutouts = {name: as_cutout(packet.get(field)) for name, field in CUTOUTS.items()}
    return Alert(
        survey="atlas",
        object_id=object_id,
        alert_id=alert_id,
        mjd=mjd,
        ra=ra,
        dec=dec,
        band=str(candidate.get("filter") or ""),
        metadata=scalars(packet) | scalars(candidate),
        stamps=rules.decode(cutouts, "atlas", faults),
        stamp_faults=faults,
        origin=origin,
    )
