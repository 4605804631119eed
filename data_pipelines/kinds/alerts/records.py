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
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.shards import writing
from data_pipelines.shards.layout import Record, RecordLayout
from data_pipelines.sources.alerts.record import STAMP_NAMES, Alert, Stamp
from data_pipelines.sources.alerts.ztf import JD_MINUS_MJD, is_positive
from lcjax.errors import DataError

_IDENTIFIER = re.compile(
    r"(.*\.)?(candid|[pnt]?id|tblid|rfid|visit|alertId|objectidps\d|designation|\w*(Source|Object)Id)"
)
"""Numbers that name something: float32 would not keep them."""
_DATES = ("jd", "mjd", "midpointMjdTai")
"""When the alert is from: the record's `mjd`."""
_JULIAN_DATE = 2_400_000.0
_MODERN_MJD = (40_000.0, 100_000.0)


STAMPS = RecordLayout(
    "stamps",
    {"stamps": ("height", "width", "channels")},
    exact=("mjd", "ra", "dec"),
    floats=("pixel_scale",),
    integers=("alert_id",),
    metadata=True,
    texts=("survey",),
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
    stamps = [alert.stamps[name] for name in names if name in alert.stamps]
    shapes = {stamp.pixels.shape for stamp in stamps}
    if len(stamps) < len(names) or len(shapes) != 1:
        found = ", ".join(f"{n} {'x'.join(map(str, s.pixels.shape))}" for n, s in alert.stamps.items()) or "none"
        raise DataError(f"alert {alert.alert_id} ({alert.origin}) has no stack of {', '.join(names)}: it has {found}")
    return np.stack([stamp.pixels for stamp in stamps], axis=-1).astype(np.float32, copy=False)


def encode_alert(
    alert: Alert, label: int = -1, metadata_names: Sequence[str] | None = None, stamp_names: Sequence[str] = STAMP_NAMES
) -> Record:
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
    return STAMPS.encode(
        alert.object_id,
        band=alert.band,
        label=int(label),
        survey=alert.survey,
        alert_id=alert.alert_id,
        mjd=alert.mjd,
        ra=alert.ra,
        dec=alert.dec,
        stamps=stamps,
        pixel_scale=alert.stamps[stamp_names[0]].pixel_scale,
        metadata={name: numbers.get(name, np.nan) for name in names},
    )


def decode_alert(features: Mapping[str, Any], origin: str = "") -> Alert:
    """The alert of a record: the inverse of `encode_alert`, as far as a record keeps it.

    Args:
      features: of a tf Example, by name.

    Raises:
      DataError: the stamps are not science, template and difference. ValueError: their bytes are not of the shape promised.
    """
    record = STAMPS.decode(features)
    if record["channels"] != len(STAMP_NAMES):
        raise DataError(
            f"'{origin}' has records of {record['channels']} stamps: prepare the data with all of {', '.join(STAMP_NAMES)}"
        )
    numbers = {name: float(value) for name, value in record.get("metadata", {}).items()}
    metadata: dict[str, float | str | None] = {k: None if np.isnan(v) else v for k, v in numbers.items()}
    if metadata.get("isdiffpos") is not None:
        metadata["isdiffpos"] = "f" if metadata["isdiffpos"] else "t"
    scale = float(record["pixel_scale"])
    return Alert(
        **{name: record[name] for name in ("object_id", "survey", "band", "alert_id")},
        **{name: float(record[name]) for name in STAMPS.exact},
        metadata=metadata,
        stamps={name: Stamp(record["stamps"][..., k], scale) for k, name in enumerate(STAMP_NAMES)},
        origin=origin,
    )


def stamp_features(
    class_names: Sequence[str] = (), metadata_names: Sequence[str] = (), shape: Sequence[int] | None = None
) -> Any:
    """The tfds FeaturesDict of a stamp dataset; see `RecordLayout.features`.

    Args:
      shape: (H, W, C) of all stamps, or None where they differ: records then hold them flat.
    """
    return STAMPS.features(class_names, metadata_names, {} if shape is None else {"stamps": shape})


def write_stamp_shards(
    folder: Path | str, dataset: str, split: str, records: Iterable[Mapping[str, Any]], shards: int = 1
) -> list[Path]:
    """Writes records (as `encode_alert` makes them) to shards; see `shards.writing`, whose `write_manifest` comes next.

    For tests, benchmarks and simulated stamps; datasets of alerts are written by tfds builders.
    """
    return writing.write_shards(folder, dataset, split, records, STAMPS, shards)
