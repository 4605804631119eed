"""`index.npz`: what a reader must know of every record before it reads one.

Order, windows and buckets are planned from the lengths; the byte positions let a reader start anywhere in a shard and take
a series without walking the record; ids, labels and epochs need no reading at all. Everything here is derived from the
shards, in file order, and guarded by the manifest's sha256.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from data_pipelines.records import ARRAYS
from data_pipelines.tfrecord import BYTES, FLOAT, INT64, damaged, example_spans, read_records, span_value
from lcjax.errors import DataError

_KINDS = {"object_id": BYTES, "band": BYTES, "reference_mjd": BYTES, "label": INT64, "length": INT64}
_KINDS |= dict.fromkeys(ARRAYS, BYTES)
_NAMES = {BYTES: "bytes", FLOAT: "float", INT64: "int64"}


@dataclass
class RecordIndex:
    """R records of one or more shards. `*_at` are bytes from the start of the payload."""

    offset: np.ndarray  #: (R,) int64, byte of the shard where the record's frame starts
    size: np.ndarray  #: (R,) int64, bytes of the payload
    crc: np.ndarray  #: (R,) uint32, masked CRC-32C behind the payload
    length: np.ndarray  #: (R,) int64, number of points
    label: np.ndarray  #: (R,) int64, class index of the dataset, -1 unlabelled
    reference_mjd: np.ndarray  #: (R,) float64
    time_at: np.ndarray  #: (R,) int64
    magnitude_at: np.ndarray  #: (R,) int64
    magnitude_error_at: np.ndarray  #: (R,) int64
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


_TABLES = ("id_bytes", "band_names")
COLUMNS = tuple(f.name for f in fields(RecordIndex) if f.name not in _TABLES)


def build_index(paths: Sequence[Path]) -> tuple[RecordIndex, list[int]]:
    """Reads shards from end to end; returns their index and the number of records of each.

    Raises:
      DataError: a record that is damaged or does not follow the schema, with its file and number.
    """
    columns: dict[str, list] = {name: [] for name in COLUMNS}
    ids, bands, counts = bytearray(), {}, []
    for path in paths:
        count = 0
        for record in read_records(path):
            entry = _describe(path, count, record.payload)
            ids += entry.pop("object_id")
            entry["band"] = bands.setdefault(entry["band"].decode(), len(bands))
            entry |= {"offset": record.offset, "size": len(record.payload), "crc": record.crc, "id_end": len(ids)}
            for name, values in columns.items():
                values.append(entry[name])
            count += 1
        counts.append(count)
    dtypes = {"reference_mjd": np.float64, "crc": np.uint32}
    arrays = {name: np.array(values, dtypes.get(name, np.int64)) for name, values in columns.items()}
    names = np.array(list(bands), str) if bands else np.zeros(0, "U1")
    return RecordIndex(**arrays, id_bytes=np.frombuffer(bytes(ids), np.uint8), band_names=names), counts


def _describe(path: Path, number: int, payload: bytes) -> dict:
    try:
        spans = example_spans(payload)
    except ValueError as error:
        raise damaged(path, number, f"is not a tf Example ({error})") from error
    for name, kind in _KINDS.items():
        if name not in spans:
            raise DataError(f"record {number} of '{path}' has no feature '{name}': prepare the data with this lcjax")
        if spans[name][0] != kind:
            raise DataError(
                f"feature '{name}' of record {number} of '{path}' is {_NAMES.get(spans[name][0])}, not {_NAMES[kind]}: "
                "prepare the data with this lcjax"
            )
    value = lambda name: span_value(payload, spans[name])
    length = value("length")
    for name in ARRAYS:
        found = spans[name][2] - spans[name][1]
        if found != 4 * length:
            raise DataError(
                f"'{name}' of record {number} of '{path}' has {found} bytes where {length} points need {4 * length}"
            )
    if len(value("reference_mjd")) != 8:
        raise DataError(f"'reference_mjd' of record {number} of '{path}' is not one float64")
    return {
        "length": length,
        "label": value("label"),
        "reference_mjd": np.frombuffer(value("reference_mjd"), "<f8")[0],
        "object_id": value("object_id"),
        "band": value("band"),
        **{f"{name}_at": spans[name][1] for name in ARRAYS},
    }


def as_arrays(split: str, index: RecordIndex) -> dict[str, np.ndarray]:
    """The arrays of `index.npz` for one split."""
    return {f"{split}/{f.name}": getattr(index, f.name) for f in fields(RecordIndex)}


def read_index(path: Path, split: str) -> RecordIndex:
    """One split's index.

    Raises:
      DataError: the file is missing, damaged, or of another lcjax.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return RecordIndex(**{f.name: arrays[f"{split}/{f.name}"] for f in fields(RecordIndex)})
    except Exception as error:  # zip, header and decompression errors have no common class
        raise DataError(f"index '{path}' cannot be read ({error}): restore it or prepare the data again") from error


def select(index: RecordIndex, records: slice) -> RecordIndex:
    """The index of some consecutive records."""
    first = int(index.id_end[records.start - 1]) if records.start else 0
    last = int(index.id_end[records.stop - 1]) if records.stop else 0
    columns = {name: getattr(index, name)[records] for name in COLUMNS}
    columns["id_end"] = columns["id_end"] - first
    return RecordIndex(**columns, id_bytes=index.id_bytes[first:last], band_names=index.band_names)


def concatenate(indexes: Sequence[RecordIndex]) -> RecordIndex:
    """One index of several datasets' records, in order."""
    columns = {name: np.concatenate([getattr(i, name) for i in indexes]) for name in COLUMNS}
    names = np.concatenate([i.band_names for i in indexes])
    shift = np.cumsum([0, *(len(i.band_names) for i in indexes)])
    columns["band"] = np.concatenate([i.band + s for i, s in zip(indexes, shift, strict=False)])
    ends = np.cumsum([0, *(len(i.id_bytes) for i in indexes)])
    columns["id_end"] = np.concatenate([i.id_end + e for i, e in zip(indexes, ends, strict=False)])
    return RecordIndex(**columns, id_bytes=np.concatenate([i.id_bytes for i in indexes]), band_names=names)
