"""`index.npz`: what a reader must know of every record before it reads one.

Order, windows and buckets are planned from the lengths; the byte positions let a reader start anywhere in a shard and take
a series without walking the record; ids, labels and epochs need no reading at all. Everything here is derived from the
shards, in file order, and guarded by the manifest's sha256. Light curves have a `RecordIndex`; records of other kinds have
an index of their own (`stamp_records.StampIndex`) with the same common part.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from data_pipelines.kinds.light_curves.records import ARRAYS
from data_pipelines.shards.tfrecord import BYTES, FLOAT, INT64, damaged, example_spans, read_records, span_value
from lcjax.errors import DataError

_NAMES = {BYTES: "bytes", FLOAT: "float", INT64: "int64"}


@dataclass
class ShardIndex(ABC):
    """R records of one or more shards, of any kind. `*_at` are bytes from the start of the payload."""

    kind: ClassVar[str] = ""
    """What the records are, as the manifest says it."""
    series: ClassVar[tuple[str, ...]] = ()
    """Features of `length` float32 values each, whose position is kept as `<name>_at`."""
    features: ClassVar[dict[str, int]] = {}
    """Feature that every record must have -> its type in the tf Example."""

    offset: np.ndarray  #: (R,) int64, byte of the shard where the record's frame starts
    size: np.ndarray  #: (R,) int64, bytes of the payload
    crc: np.ndarray  #: (R,) uint32, masked CRC-32C behind the payload
    length: np.ndarray  #: (R,) int64, number of values of a series
    label: np.ndarray  #: (R,) int64, class index of the dataset, -1 unlabelled
    band: np.ndarray  #: (R,) int64, into `band_names`
    id_end: np.ndarray  #: (R,) int64, where the record's id ends in `id_bytes`
    id_bytes: np.ndarray  #: uint8, all object ids one behind the other, utf-8
    band_names: np.ndarray  #: str

    def __len__(self) -> int:
        return len(self.offset)

    def object_ids(self) -> np.ndarray:
        """Name of every record's object, (R,) object array of str."""
        text, ends = self.id_bytes.tobytes(), self.id_end.tolist()
        out = np.empty(len(ends), object)
        out[:] = [text[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=False)]
        return out

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Names of the arrays with one entry a record."""
        return tuple(f.name for f in fields(cls) if f.name not in _TABLES)

    @classmethod
    @abstractmethod
    def own_columns(cls, where: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a record of this kind adds to the common columns, `length` included.

        Args:
          where: the record, for messages. values: feature -> value, series left out; `<series>_bytes` are their sizes.

        Raises:
          DataError: the features contradict each other.
        """

    @classmethod
    def own_arrays(cls, columns: Mapping[str, list]) -> dict[str, np.ndarray]:
        """Arrays of another form than one number a record, from the lists of `own_columns`; none by default."""
        return {}

    @classmethod
    def empty(cls: type["IndexT"]) -> "IndexT":
        """An index of no records."""
        columns: dict[str, np.ndarray] = {f.name: np.zeros(0, np.int64) for f in fields(cls)}
        columns |= {"id_bytes": np.zeros(0, np.uint8), "band_names": np.zeros(0, "U1")}
        return cls(**columns | cls.own_arrays({}))


IndexT = TypeVar("IndexT", bound=ShardIndex)


@dataclass
class RecordIndex(ShardIndex):
    """Light curves."""

    kind: ClassVar[str] = "light_curves"
    series: ClassVar[tuple[str, ...]] = ARRAYS
    features: ClassVar[dict[str, int]] = {
        "object_id": BYTES,
        "band": BYTES,
        "reference_mjd": BYTES,
        "label": INT64,
        "length": INT64,
        **dict.fromkeys(ARRAYS, BYTES),
    }

    reference_mjd: np.ndarray  #: (R,) float64
    time_at: np.ndarray  #: (R,) int64
    magnitude_at: np.ndarray  #: (R,) int64
    magnitude_error_at: np.ndarray  #: (R,) int64

    @classmethod
    def own_columns(cls, where: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Length and epoch."""
        return {"length": values["length"], "reference_mjd": as_float64(where, "reference_mjd", values)}


_TABLES = ("id_bytes", "band_names", "metadata_names")


def as_float64(where: str, name: str, values: Mapping[str, Any]) -> float:
    """A feature of eight little-endian bytes.

    Raises:
      DataError: it has another size.
    """
    if len(values[name]) != 8:
        raise DataError(f"'{name}' of {where} is not one float64")
    return float(np.frombuffer(values[name], "<f8")[0])


def build_index(paths: Sequence[Path], kind: type[IndexT] = RecordIndex) -> tuple[IndexT, list[int]]:
    """Reads shards from end to end; returns their index and the number of records of each.

    Raises:
      DataError: a record that is damaged or does not follow the schema, with its file and number.
    """
    columns: dict[str, list] = defaultdict(list)
    ids, bands, counts = bytearray(), {}, []
    for path in paths:
        count = 0
        for record in read_records(path):
            entry = _describe(path, count, record.payload, kind)
            ids += entry.pop("object_id")
            entry["band"] = bands.setdefault(entry["band"].decode(), len(bands))
            entry |= {"offset": record.offset, "size": len(record.payload), "crc": record.crc, "id_end": len(ids)}
            for name, value in entry.items():
                columns[name].append(value)
            count += 1
        counts.append(count)
    arrays = kind.own_arrays(columns)
    for name in kind.columns():
        if name not in arrays:
            values = columns[name]
            dtype = np.uint32 if name == "crc" else np.float64 if values and isinstance(values[0], float) else np.int64
            arrays[name] = np.array(values, dtype)
    names = np.array(list(bands), str) if bands else np.zeros(0, "U1")
    return kind(**arrays, id_bytes=np.frombuffer(bytes(ids), np.uint8), band_names=names), counts


def record_kind(paths: Sequence[Path], kinds: Sequence[type[ShardIndex]]) -> type[ShardIndex]:
    """Which kind of records shards hold, by the features of the first; the first kind where there is none to tell."""
    for path in paths:
        for record in read_records(path):
            try:
                names = example_spans(record.payload).keys()
            except ValueError as error:
                raise damaged(path, 0, f"is not a tf Example ({error})") from error
            return max(kinds, key=lambda kind: len(kind.features.keys() & names) / len(kind.features))
    return kinds[0]


def _describe(path: Path, number: int, payload: bytes, kind: type[ShardIndex]) -> dict[str, Any]:
    try:
        spans = example_spans(payload)
    except ValueError as error:
        raise damaged(path, number, f"is not a tf Example ({error})") from error
    where = f"record {number} of '{path}'"
    for name, form in kind.features.items():
        if name not in spans:
            raise DataError(f"{where} has no feature '{name}': prepare the data with this lcjax")
        if spans[name][0] != form:
            raise DataError(
                f"feature '{name}' of {where} is {_NAMES.get(spans[name][0])}, not {_NAMES[form]}: "
                "prepare the data with this lcjax"
            )
    values = {name: span_value(payload, span) for name, span in spans.items() if name not in kind.series}
    values |= {f"{name}_bytes": spans[name][2] - spans[name][1] for name in kind.series}
    entry = kind.own_columns(where, values)
    for name in kind.series:
        if values[f"{name}_bytes"] != 4 * entry["length"]:
            raise DataError(
                f"'{name}' of {where} has {values[f'{name}_bytes']} bytes where {entry['length']} points need "
                f"{4 * entry['length']}"
            )
    entry |= {f"{name}_at": spans[name][1] for name in kind.series}
    return entry | {name: values[name] for name in ("label", "object_id", "band")}


def as_arrays(split: str, index: ShardIndex) -> dict[str, np.ndarray]:
    """The arrays of `index.npz` for one split."""
    return {f"{split}/{f.name}": getattr(index, f.name) for f in fields(index)}


def read_index(path: Path, split: str, kind: type[IndexT] = RecordIndex) -> IndexT:
    """One split's index.

    Raises:
      DataError: the file is missing, damaged, or of another lcjax.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return kind(**{f.name: arrays[f"{split}/{f.name}"] for f in fields(kind)})
    except Exception as error:  # zip, header and decompression errors have no common class
        raise DataError(f"index '{path}' cannot be read ({error}): restore it or prepare the data again") from error


def concatenate(indexes: Sequence[IndexT]) -> IndexT:
    """One index of several datasets' records, in order."""
    kind = type(indexes[0])
    columns = {name: np.concatenate([getattr(i, name) for i in indexes]) for name in kind.columns()}
    columns["band_names"] = np.concatenate([i.band_names for i in indexes])
    columns["id_bytes"] = np.concatenate([i.id_bytes for i in indexes])
    shift = np.cumsum([0, *(len(i.band_names) for i in indexes)])
    columns["band"] = np.concatenate([i.band + s for i, s in zip(indexes, shift, strict=False)])
    ends = np.cumsum([0, *(len(i.id_bytes) for i in indexes)])
    columns["id_end"] = np.concatenate([i.id_end + e for i, e in zip(indexes, ends, strict=False)])
    return kind(**columns | {f.name: getattr(indexes[0], f.name) for f in fields(kind) if f.name not in columns})
