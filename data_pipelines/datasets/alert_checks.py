"""Made-up packets of both surveys, and containers of them."""

import gzip
import io
from collections.abc import Callable
from typing import Any

import fastavro
import numpy as np

ZTF_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "alert",
    "namespace": "ztf",
    "fields": [
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [
                    {"name": "jd", "type": "double"},
                    {"name": "fid", "type": "int"},
                    {"name": "ra", "type": "double"},
                    {"name": "dec", "type": "double"},
                    {"name": "isdiffpos", "type": "string"},
                    {"name": "magpsf", "type": "float"},
                    {"name": "drb", "type": ["null", "float"], "default": None},
                    {"name": "ssdistnr", "type": ["null", "float"], "default": None},
                ],
            },
        },
        {
            "name": "prv_candidates",
            "type": [
                "null",
                {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "prv_candidate",
                        "fields": [
                            {"name": "jd", "type": "double"},
                            {"name": "fid", "type": "int"},
                            {"name": "candid", "type": ["null", "long"]},
                            {"name": "diffmaglim", "type": "float"},
                            {"name": "magpsf", "type": ["null", "float"]},
                            {"name": "sigmapsf", "type": ["null", "float"]},
                            {"name": "isdiffpos", "type": ["null", "string"]},
                        ],
                    },
                },
            ],
            "default": None,
        },
        *(
            {
                "name": f"cutout{name}",
                "type": [
                    "null",
                    {
                        "type": "record",
                        "name": "cutout",
                        "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
                    }
                    if name == "Science"
                    else "ztf.cutout",
                ],
                "default": None,
            }
            for name in ("Science", "Template", "Difference")
        ),
    ],
}


def fits_bytes(pixels: np.ndarray, cards: dict[str, Any] | None = None) -> bytes:
    """A primary HDU of float32, as ZTF writes cutouts."""
    height, width = pixels.shape
    lines = ["SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2"]
    lines += [f"NAXIS1  = {width:20d}", f"NAXIS2  = {height:20d}"]
    lines += [f"{k:8s}= {v:>20}" for k, v in (cards or {}).items()] + ["END"]
    header = "".join(f"{line:80s}" for line in lines).encode()
    data = pixels.astype(">f4").tobytes()
    pad = lambda raw, fill: raw + fill * (-len(raw) % 2880)
    return pad(header, b" ") + pad(data, b"\0")


def stamp(seed: int, side: int = 63) -> np.ndarray:
    """Pixels of a made-up cutout, (side, side) float32."""
    return np.random.default_rng(seed).normal(100, 10, (side, side)).astype(np.float32)


def packet(number: int, side: int = 63, **changes: Any) -> dict[str, Any]:
    """A ZTF packet; object `ZTF<number // 2>`."""
    cutout = lambda k: {
        "fileName": f"{k}.fits.gz",
        "stampData": gzip.compress(fits_bytes(stamp(10 * number + k, side)), 1),
    }
    previous = [
        {
            "jd": 2459000.5 + number,
            "fid": 1,
            "candid": 5,
            "diffmaglim": 20.0,
            "magpsf": 19.0,
            "sigmapsf": 0.1,
            "isdiffpos": "t",
        },
        {
            "jd": 2458999.5 + number,
            "fid": 2,
            "candid": None,
            "diffmaglim": 20.5,
            "magpsf": None,
            "sigmapsf": None,
            "isdiffpos": None,
        },
        {
            "jd": 2458998.5 + number,
            "fid": 2,
            "candid": 4,
            "diffmaglim": 20.1,
            "magpsf": 18.0,
            "sigmapsf": 0.2,
            "isdiffpos": "f",
        },
    ]
    out = {
        "objectId": f"ZTF{number // 2}",
        "candid": 1000 + number,
        "candidate": {
            "jd": 2459001.25 + number,
            "fid": 2,
            "ra": 10.0 + number,
            "dec": -5.0,
            "isdiffpos": "f",
            "magpsf": 18.5,
            "drb": 0.9,
            "ssdistnr": -999.0,
        },
        "prv_candidates": previous,
        "cutoutScience": cutout(0),
        "cutoutTemplate": cutout(1),
        "cutoutDifference": cutout(2),
    }
    out["candidate"] |= changes.pop("candidate", {})
    return out | changes


def container(packets: list[dict[str, Any]], codec: str = "null", block: int = 1, schema: dict | None = None) -> bytes:
    """An Avro file; a block holds about `block` bytes."""
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema or ZTF_SCHEMA), packets, codec=codec, sync_interval=block)
    return out.getvalue()


ATLAS_SCHEMA: dict[str, Any] = {
    "type": "record",
    "namespace": "atlas",
    "name": "alert",
    "fields": [
        *({"name": name, "type": "string"} for name in ("schemavsn", "publisher", "objectId", "candid")),
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [
                    *({"name": name, "type": "double"} for name in ("mjd", "RA", "Dec")),
                    *({"name": name, "type": "string"} for name in ("filter", "candid", "isdiffpos")),
                    {"name": "Mag", "type": "float"},
                ],
            },
        },
        {
            "name": "cutoutScience",
            "type": {
                "type": "record",
                "name": "cutout",
                "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
            },
        },
        {"name": "cutoutDifference", "type": "cutout"},
    ],
}
"""As in ATLAS's packets, with fewer fields."""


def atlas_packet(
    number: int, pack: Callable[[np.ndarray], bytes] = fits_bytes, side: int = 61, candid: str = "", **candidate: Any
) -> bytes:
    """An ATLAS packet in its container; object `110<number>`, stamps `stamp(10 * number)` and `stamp(10 * number + 1)`."""
    candid = candid or f"01a60001o0002c_{number:06d}"
    about = {
        "mjd": 60001.25,
        "RA": 10.0,
        "Dec": -5.0,
        "filter": "co"[number % 2],
        "candid": candid,
        "isdiffpos": "t",
        "Mag": 18.5,
    }
    cutout = lambda k: {"fileName": "a.fits", "stampData": pack(stamp(10 * number + k, side))}
    about_all = {"schemavsn": "0.1", "publisher": "ATLAS-01a", "objectId": f"110{number}", "candid": candid}
    cutouts = {"cutoutScience": cutout(0), "cutoutDifference": cutout(1)}
    return container([about_all | {"candidate": about | candidate} | cutouts], "deflate", schema=ATLAS_SCHEMA)
