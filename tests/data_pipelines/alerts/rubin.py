"""Made-up Rubin packets with history, limits, forced photometry and the records beside the detection."""

import io
from typing import Any

import fastavro

from data_pipelines.datasets.alert_checks import fits_bytes, stamp

PARTS = ("Science", "Template", "Difference")


def _record(name: str, **fields: str) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": n, "type": ["null", t]} for n, t in fields.items()]}


def _rows(name: str, **fields: str) -> list[Any]:
    return ["null", {"type": "array", "items": _record(name, **fields)}]


def schema(version: str = "v10_0", orbits: str = "mpc_orbits", negative: str = "isNegative") -> dict[str, Any]:
    """Of a packet; `orbits` and `negative` have other names in old versions."""
    source = {"diaSourceId": "long", "diaObjectId": "long", "ssObjectId": "long", "midpointMjdTai": "double"}
    source |= {"ra": "double", "dec": "double", "psfFlux": "float", "psfFluxErr": "float", "band": "string"}
    limits = {"midpointMjdTai": "double", "band": "string", "diaNoise": "float"}
    forced = {"midpointMjdTai": "double", "band": "string", "psfFlux": "float", "psfFluxErr": "float"}
    parts: dict[str, Any] = {
        "diaSource": _record("diaSource", **source, **{negative: "boolean"}),
        "prvDiaSources": _rows("previous", **source),
        "prvDiaNondetectionLimits": _rows("limit", **limits),
        "prvDiaForcedSources": _rows("forced", **forced),
        "diaObject": ["null", _record("diaObject", nDiaSources="int", ra="double")],
        "ssSource": ["null", _record("ssSource", designation="string")],
        orbits: ["null", _record("orbit", a="double")],
        **{f"cutout{name}": ["null", "bytes"] for name in PARTS},
    }
    fields = [{"name": name, "type": kind} for name, kind in parts.items()]
    return {"type": "record", "name": "alert", "namespace": f"lsst.{version}", "fields": fields}


def packet(number: int, **source: Any) -> dict[str, Any]:
    """Stamps `stamp(number)` and following; times out of order."""
    own = {"diaSourceId": 10**17 + number, "diaObjectId": 2 * 10**17 + number, "ssObjectId": None, "band": "r"}
    own |= {"midpointMjdTai": 61000.5, "ra": 10.0, "dec": 5.0, "psfFlux": -3.0, "psfFluxErr": 1.0, "isNegative": True}
    before = [
        own | {"diaSourceId": k, "midpointMjdTai": 60900.0 - k, "band": "gi"[k % 2], "psfFlux": k} for k in (1, 2)
    ]
    limit = lambda mjd, noise: {"midpointMjdTai": mjd, "band": "g", "diaNoise": noise}
    point = {"midpointMjdTai": 60950.0, "band": "z", "psfFlux": 5.0, "psfFluxErr": 2.0}
    return {
        "diaSource": own | source,
        "prvDiaSources": before,
        "prvDiaNondetectionLimits": [limit(60800.0, 20.0), limit(60700.0, 0.0)],
        "prvDiaForcedSources": [point],
        "diaObject": {"nDiaSources": 3, "ra": 10.5},
        "ssSource": None,
        "mpc_orbits": {"a": 2.5},
        **{f"cutout{name}": fits_bytes(stamp(number + k, 30)) for k, name in enumerate(PARTS)},
    }


def message(record: dict[str, Any], schema_id: int, written: dict[str, Any]) -> bytes:
    """As brokers' streams carry it: a zero byte, the schema's id, the record."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(written), record)
    return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()
