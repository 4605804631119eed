"""The on-disk record of an alert with its stamps: one tf Example, in tfds layout.

| feature | form |
| --- | --- |
| object_id, survey, band | bytes, utf-8 |
| alert_id | int64: ZTF candid, Rubin diaSourceId, the number in ATLAS's candid |
| label | int64, index into the class names of the dataset, -1 unlabelled |
| mjd, ra, dec | float64 as 8 little-endian bytes each: days, degrees |
| stamps | H*W*C little-endian float32 in one bytes feature, native units, missing pixels NaN; C in the order science, template, difference |
| height, width, channels | int64 |
| pixel_scale | float32, arcsec |
| metadata/<name> | float32 scalars, NaN where missing |

Metadata are the packet's numbers under the survey's names (see `alert_columns` for the few that are changed).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from data_pipelines.kinds.light_curves.records import write_payloads
from data_pipelines.shards.index import ShardIndex, as_float64
from data_pipelines.shards.tfrecord import BYTES, FLOAT, INT64, encode_example
from data_pipelines.sources.alerts.record import STAMP_NAMES, Alert, Stamp
from data_pipelines.sources.alerts.ztf import JD_MINUS_MJD, is_positive
from lcjax.errors import DataError

EIGHT_BYTES = ("mjd", "ra", "dec")
_PREFIX = "metadata/"
_IDENTIFIER = re.compile(
    r"(.*\.)?(candid|[pnt]?id|tblid|rfid|visit|alertId|objectidps\d|designation|\w*(Source|Object)Id)"
)
"""Numbers that name something: float32 would not keep them."""
_DATES = ("jd", "mjd", "midpointMjdTai")
"""When the alert is from: the record's `mjd`."""
_JULIAN_DATE = 2_400_000.0
_MODERN_MJD = (40_000.0, 100_000.0)


@dataclass
class StampIndex(ShardIndex):
    """Alerts with stamps; `length` is H * W * C."""

    kind: ClassVar[str] = "stamps"
    series: ClassVar[tuple[str, ...]] = ("stamps",)
    features: ClassVar[dict[str, int]] = {
        **dict.fromkeys(("object_id", "band", "stamps", *EIGHT_BYTES), BYTES),
        **dict.fromkeys(("alert_id", "label", "height", "width", "channels"), INT64),
        "pixel_scale": FLOAT,
    }

    alert_id: np.ndarray  #: (R,) int64
    mjd: np.ndarray  #: (R,) float64
    ra: np.ndarray  #: (R,) float64
    dec: np.ndarray  #: (R,) float64
    pixel_scale: np.ndarray  #: (R,) float64, arcsec
    height: np.ndarray  #: (R,) int64
    width: np.ndarray  #: (R,) int64
    channels: np.ndarray  #: (R,) int64
    stamps_at: np.ndarray  #: (R,) int64
    metadata: np.ndarray  #: (R, F) float32
    metadata_names: np.ndarray  #: (F,) str

    @classmethod
    def own_columns(cls, where: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Shape, place and metadata of an alert."""
        shape = {name: values[name] for name in ("height", "width", "channels")}
        if min(shape.values()) < 1 or max(shape.values()) > 1 << 15:
            raise DataError(f"the stamps of {where} claim the shape {tuple(shape.values())}")
        numbers = {k.removeprefix(_PREFIX): v for k, v in values.items() if k.startswith(_PREFIX)}
        return {
            "length": shape["height"] * shape["width"] * shape["channels"],
            **shape,
            **{name: as_float64(where, name, values) for name in EIGHT_BYTES},
            "alert_id": values["alert_id"],
            "pixel_scale": float(values["pixel_scale"]),
            "metadata": numbers,
        }

    @classmethod
    def own_arrays(cls, columns: Mapping[str, list]) -> dict[str, np.ndarray]:
        """Metadata as one array; names are the union of all records'."""
        rows = columns.get("metadata", [])
        names = sorted({name for row in rows for name in row})
        table = np.full((len(rows), len(names)), np.nan, np.float32)
        for j, name in enumerate(names):
            table[:, j] = [row.get(name, np.nan) for row in rows]
        return {"metadata": table, "metadata_names": np.array(names, str) if names else np.zeros(0, "U1")}

    def with_metadata(self, names: Sequence[str]) -> "StampIndex":
        """The same records with these metadata columns, NaN where a dataset has none."""
        have = {name: j for j, name in enumerate(self.metadata_names.tolist())}
        table = np.full((len(self), len(names)), np.nan, np.float32)
        for j, name in enumerate(names):
            if name in have:
                table[:, j] = self.metadata[:, have[name]]
        columns = {name: getattr(self, name) for name in (*self.columns(), "id_bytes", "band_names")}
        return StampIndex(
            **columns
            | {"metadata": table, "metadata_names": np.array(list(names), str) if names else np.zeros(0, "U1")}
        )


def alert_columns(alert: Alert) -> dict[str, float]:
    """The numbers of an alert's metadata as networks and shards take them; null is NaN.

    `isdiffpos` becomes 1 for a negative difference ("f", "0") and 0 for a positive one, as the published stamp classifier
    has it. Dates become days after the alert (`jdstarthist` -30: a history of thirty days), since float32 holds a Julian date
    only to a quarter of a day. `ra`, `dec` are there also where only the record has them. Identifiers are left out.

    >>> alert_columns(Alert("ztf", "a", 1, 58000.0, 10.0, 0.0, "g", {"jd": 2458000.5, "jdstarthist": 2457990.5, "isdiffpos": "f"}))
    {'isdiffpos': 1.0, 'jdstarthist': -10.0, 'ra': 10.0, 'dec': 0.0}
    """
    number = lambda name, value: name == "isdiffpos" or not isinstance(value, str)
    kept = {
        k: v for k, v in alert.metadata.items() if number(k, v) and k not in _DATES and not _IDENTIFIER.fullmatch(k)
    }
    return {k: _column(k, kept[k], alert.mjd) for k in sorted(kept)} | {"ra": alert.ra, "dec": alert.dec}


def alert_row(alert: Alert, names: Sequence[str]) -> list[float]:
    """Some columns of `alert_columns`, NaN where the alert has none: fast, for alerts that are answered and not kept.

    >>> alert_row(Alert("ztf", "a", 1, 58000.0, 10.0, 0.0, "g", {"fwhm": 2.0, "isdiffpos": "t"}), ("isdiffpos", "ra", "rb"))
    [0.0, 10.0, nan]
    """
    places, metadata = {"ra": alert.ra, "dec": alert.dec}, alert.metadata
    return [places[k] if k in places else _column(k, metadata.get(k), alert.mjd) for k in names]


def _column(name: str, value: float | str | None, mjd: float) -> float:
    if value is None or (isinstance(value, str) and name != "isdiffpos"):
        return float("nan")
    if name == "isdiffpos":
        return 0.0 if is_positive(value) else 1.0
    return _relative(name, value, mjd)


def _relative(name: str, value: float, mjd: float) -> float:
    """Days after the alert where the value is a date, else the value."""
    if "jd" in name.lower() and value > _JULIAN_DATE:
        return value - JD_MINUS_MJD - mjd
    if "mjd" in name.lower() and _MODERN_MJD[0] < value < _MODERN_MJD[1]:
        return value - mjd
    return value


def stack_stamps(alert: Alert, names: Sequence[str] = STAMP_NAMES) -> np.ndarray:
    """(H, W, C) float32 of an alert's stamps, C in the order of `names`; they must have one shape.

    Raises:
      DataError: a stamp is missing or of another shape.
    """
    stamps = [alert.stamps.get(name) for name in names]
    shapes = {stamp.pixels.shape for stamp in stamps if stamp is not None}
    if None in stamps or len(shapes) != 1:
        found = ", ".join(f"{n} {'x'.join(map(str, s.pixels.shape))}" for n, s in alert.stamps.items()) or "none"
        raise DataError(f"alert {alert.alert_id} ({alert.origin}) has no stack of {', '.join(names)}: it has {found}")
    return np.stack([stamp.pixels for stamp in stamps], axis=-1).astype(np.float32, copy=False)


def encode_alert(
    alert: Alert, label: int = -1, metadata_names: Sequence[str] | None = None, stamp_names: Sequence[str] = STAMP_NAMES
) -> dict[str, Any]:
    """One record as a tfds builder's `_generate_examples` yields it.

    Args:
      alert: with the stamps named. label: class index, -1 unlabelled.
      metadata_names: columns of `alert_columns` that every record of the dataset has; None: this alert's.

    Raises:
      DataError: stamps are missing or of different shapes.
    """
    stamps = stack_stamps(alert, stamp_names)
    numbers = alert_columns(alert)
    names = list(numbers) if metadata_names is None else metadata_names
    return {
        "object_id": alert.object_id,
        "survey": alert.survey,
        "band": alert.band,
        "alert_id": int(alert.alert_id),
        "label": int(label),
        **{name: np.float64(getattr(alert, name)) for name in EIGHT_BYTES},
        "stamps": stamps,
        **dict(zip(("height", "width", "channels"), stamps.shape, strict=True)),
        "pixel_scale": np.float32(alert.stamps[stamp_names[0]].pixel_scale),
        "metadata": {name: np.float32(numbers.get(name, np.nan)) for name in names},
    }


def decode_alert(features: Mapping[str, Any], origin: str = "") -> Alert:
    """The alert of a record: the inverse of `encode_alert`, as far as a record keeps it.

    Args:
      features: of a tf Example, by name.

    Raises:
      DataError: the stamps are not science, template and difference. ValueError: their bytes are not of the shape promised.
    """
    shape = tuple(int(features[name]) for name in ("height", "width", "channels"))
    if shape[2] != len(STAMP_NAMES):
        raise DataError(
            f"'{origin}' has records of {shape[2]} stamps: prepare the data with all of {', '.join(STAMP_NAMES)}"
        )
    pixels = np.frombuffer(features["stamps"], "<f4").reshape(shape)
    numbers = {k.removeprefix(_PREFIX): float(v) for k, v in features.items() if k.startswith(_PREFIX)}
    metadata: dict[str, float | str | None] = {k: None if np.isnan(v) else v for k, v in numbers.items()}
    if metadata.get("isdiffpos") is not None:
        metadata["isdiffpos"] = "f" if metadata["isdiffpos"] else "t"
    scale = float(features["pixel_scale"])
    return Alert(
        **{name: bytes(features[name]).decode() for name in ("object_id", "survey", "band")},
        alert_id=int(features["alert_id"]),
        **{name: as_float64(origin, name, features) for name in EIGHT_BYTES},
        metadata=metadata,
        stamps={name: Stamp(pixels[..., k], scale) for k, name in enumerate(STAMP_NAMES)},
        origin=origin,
    )


def stamp_features(
    class_names: Sequence[str] = (), metadata_names: Sequence[str] = (), shape: Sequence[int | None] = (None,)
) -> Any:
    """The tfds FeaturesDict of a stamp dataset.

    Args:
      class_names: names of the labels, in index order; may be empty. metadata_names: float32 scalars of every record.
      shape: (H, W, C) of all stamps, or (None,) where they differ: records then hold them flat.
    """
    import tensorflow_datasets as tfds

    raw = tfds.features.Encoding.BYTES
    features: dict[str, Any] = {
        **dict.fromkeys(("object_id", "survey", "band"), tfds.features.Text()),
        **dict.fromkeys(("alert_id", "height", "width", "channels"), np.int64),
        "label": tfds.features.ClassLabel(names=list(class_names)) if class_names else np.int64,
        **{name: tfds.features.Tensor(shape=(), dtype=np.float64, encoding=raw) for name in EIGHT_BYTES},
        "stamps": tfds.features.Tensor(shape=tuple(shape), dtype=np.float32, encoding=raw),
        "pixel_scale": np.float32,
    }
    if metadata_names:
        features["metadata"] = dict.fromkeys(metadata_names, np.float32)
    return tfds.features.FeaturesDict(features)


def serialize_alert(record: Mapping[str, Any]) -> bytes:
    """The tf Example of an `encode_alert` record, as tfds writes it; for shards outside a tfds dataset."""
    flat = {name: value for name, value in record.items() if name != "metadata"}
    flat |= {name: np.float64(record[name]).astype("<f8").tobytes() for name in EIGHT_BYTES}
    flat["stamps"] = np.ascontiguousarray(record["stamps"], np.float32)
    flat |= {_PREFIX + name: float(value) for name, value in record.get("metadata", {}).items()}
    return encode_example(flat)


def write_stamp_shards(
    folder: Path | str, dataset: str, split: str, records: Iterable[Mapping[str, Any]], shards: int = 1
) -> list[Path]:
    """Writes records (as `encode_alert` makes them) to shards without tfds, evenly and in order; then `write_manifest`.

    For tests, benchmarks and simulated stamps; datasets of alerts are written by tfds builders.
    """
    return write_payloads(folder, dataset, split, [serialize_alert(record) for record in records], shards)
