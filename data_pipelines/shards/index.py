"""`index.npz`: what a reader must know of every record before it reads one.

Order, windows and buckets are planned from the lengths; the byte positions let a reader start anywhere in a shard and take
a series without walking the record; ids, labels and scalars need no reading at all. Everything here is derived from the
shards, in file order, and guarded by the manifest's sha256. What is in it says the file itself: it can be read without
knowing the layout of the records.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.tfrecord import BYTES, FLOAT, INT64, damaged, example_spans, read_records, span_value
from lcjax.errors import DataError

_NAMES = {BYTES: "bytes", FLOAT: "float", INT64: "int64"}
_METADATA = ("metadata", "metadata_names")


@dataclass
class ShardIndex:
    """R records of one or more shards, of any kind; `index["mjd"]` is a column that the kind adds."""

    offset: np.ndarray  #: (R,) int64, byte of the shard where the record's frame starts
    size: np.ndarray  #: (R,) int64, bytes of the payload
    crc: np.ndarray  #: (R,) uint32, masked CRC-32C behind the payload
    length: np.ndarray  #: (R,) int64, number of values of the first series; 1 where there are no series
    label: np.ndarray  #: (R,) int64, class index of the dataset, -1 unlabelled
    band: np.ndarray  #: (R,) int64, into `band_names`
    id_end: np.ndarray  #: (R,) int64, where the record's id ends in `id_bytes`
    id_bytes: np.ndarray  #: uint8, all object ids one behind the other, utf-8
    band_names: np.ndarray  #: str
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    """(R,) numbers or (R, K) targets by name. `<series>_at` are bytes from the start of the payload."""
    metadata: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))  #: (R, F) float32
    metadata_names: np.ndarray = field(default_factory=lambda: np.zeros(0, "U1"))  #: (F,) str

    def __len__(self) -> int:
        return len(self.offset)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def object_ids(self) -> np.ndarray:
        """Name of every record's object, (R,) object array of str."""
        text, ends = self.id_bytes.tobytes(), self.id_end.tolist()
        out = np.empty(len(ends), object)
        out[:] = [text[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=False)]
        return out

    def shapes(self, shape: Sequence[str]) -> np.ndarray:
        """(R, len(shape)) of these columns."""
        return np.stack([self.length if name == "length" else self.columns[name] for name in shape], axis=1)

    def with_metadata(self, names: Sequence[str]) -> "ShardIndex":
        """The same records with these metadata columns, NaN where there is none."""
        have = {name: j for j, name in enumerate(self.metadata_names.tolist())}
        table = np.full((len(self), len(names)), np.nan, np.float32)
        for j, name in enumerate(names):
            if name in have:
                table[:, j] = self.metadata[:, have[name]]
        return replace(self, metadata=table, metadata_names=_strings(names))

    def of_layout(self, layout: RecordLayout) -> "ShardIndex":
        """The same records without the columns of series that this layout does not have."""
        return replace(self, columns={name: self.columns[name] for name in layout.columns if name in self.columns})

    def check(self, layout: RecordLayout, where: Path | str) -> None:
        """Raises DataError where a column of the layout is missing; targets may be."""
        if absent := [n for n in layout.columns if n not in self.columns and n not in layout.targets]:
            raise DataError(f"the index of '{where}' has no column '{absent[0]}': prepare the data with this lcjax")


_COMMON = tuple(f.name for f in fields(ShardIndex) if f.name not in ("columns", *_METADATA))
_ONE_A_RECORD = tuple(name for name in _COMMON if name not in ("id_bytes", "band_names"))


def _strings(names: Sequence[str]) -> np.ndarray:
    return np.array(list(names), str) if len(names) else np.zeros(0, "U1")


def empty_index(layout: RecordLayout) -> ShardIndex:
    """An index of no records."""
    return _from_lists({}, b"", [], layout)


def build_index(paths: Sequence[Path], layout: RecordLayout) -> tuple[ShardIndex, list[int]]:
    """Reads shards from end to end; returns their index and the number of records of each.

    Raises:
      DataError: a record that is damaged or does not follow the layout, with its file and number.
    """
    columns: dict[str, list] = defaultdict(list)
    ids, bands, counts = bytearray(), {}, []
    for path in paths:
        count = 0
        for record in read_records(path):
            entry = _describe(path, count, record.payload, layout)
            ids += entry.pop("object_id")
            entry["band"] = bands.setdefault(entry["band"].decode(), len(bands))
            entry |= {"offset": record.offset, "size": len(record.payload), "crc": record.crc, "id_end": len(ids)}
            for name, value in entry.items():
                columns[name].append(value)
            count += 1
        counts.append(count)
    return _from_lists(columns, bytes(ids), list(bands), layout), counts


def _from_lists(columns: Mapping[str, list], ids: bytes, bands: list[str], layout: RecordLayout) -> ShardIndex:
    types = {name: np.uint32 if name == "crc" else np.int64 for name in _ONE_A_RECORD}
    common = {name: np.array(columns.get(name, []), dtype) for name, dtype in types.items()}
    own = {name: np.array(columns.get(name, []), dtype) for name, dtype in layout.columns.items()}
    own |= {name: own[name].reshape(-1, size) for name, size in layout.targets.items()}
    rows = columns.get("metadata", [])
    names = sorted({name for row in rows for name in row})
    table = np.full((len(common["offset"]), len(names)), np.nan, np.float32)
    for j, name in enumerate(names):
        table[:, j] = [row.get(name, np.nan) for row in rows]
    texts = {"id_bytes": np.frombuffer(ids, np.uint8), "band_names": _strings(bands)}
    return ShardIndex(**common, **texts, columns=own, metadata=table, metadata_names=_strings(names))


def _describe(path: Path, number: int, payload: bytes, layout: RecordLayout) -> dict[str, Any]:
    try:
        spans = example_spans(payload)
    except ValueError as error:
        raise damaged(path, number, f"is not a tf Example ({error})") from error
    where = f"record {number} of '{path}'"
    for name, form in layout.required.items():
        if name not in spans:
            raise DataError(f"{where} has no feature '{name}': prepare the data with this lcjax")
        if spans[name][0] != form:
            raise DataError(
                f"feature '{name}' of {where} is {_NAMES.get(spans[name][0])}, not {_NAMES[form]}: "
                "prepare the data with this lcjax"
            )
    values = {name: span_value(payload, span) for name, span in spans.items() if name not in layout.series}
    sizes = {name: spans[name][2] - spans[name][1] for name in layout.series}
    entry = layout.describe_record(where, values, sizes)
    entry |= {f"{name}_at": spans[name][1] for name in layout.series}
    return entry | {name: values[name] for name in ("label", "object_id", "band")}


def as_arrays(split: str, index: ShardIndex, layout: RecordLayout) -> dict[str, np.ndarray]:
    """The arrays of `index.npz` for one split."""
    arrays = {name: getattr(index, name) for name in _COMMON} | index.columns
    if layout.metadata:
        arrays |= {name: getattr(index, name) for name in _METADATA}
    return {f"{split}/{name}": array for name, array in arrays.items()}


def read_index(path: Path, split: str) -> ShardIndex:
    """One split's index.

    Raises:
      DataError: the file is missing, damaged, or of another lcjax.
    """
    prefix = f"{split}/"
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name.removeprefix(prefix): file[name] for name in file.files if name.startswith(prefix)}
        common = {name: arrays.pop(name) for name in _COMMON}
    except Exception as error:  # zip, header and decompression errors have no common class
        raise DataError(f"index '{path}' cannot be read ({error}): restore it or prepare the data again") from error
    count = len(common["offset"])
    metadata = arrays.pop("metadata", np.zeros((count, 0), np.float32))
    names = arrays.pop("metadata_names", np.zeros(0, "U1"))
    return ShardIndex(**common, columns=arrays, metadata=metadata, metadata_names=names)


def concatenate(indexes: Sequence[ShardIndex]) -> ShardIndex:
    """One index of several datasets' records, in order; metadata and columns are the union, NaN where a dataset has none.

    Raises:
      DataError: a column of whole numbers that one of them lacks, or targets of different sizes.
    """
    common = {name: np.concatenate([getattr(i, name) for i in indexes]) for name in _COMMON}
    shift = np.cumsum([0, *(len(i.band_names) for i in indexes)])
    common["band"] = np.concatenate([i.band + s for i, s in zip(indexes, shift, strict=False)])
    ends = np.cumsum([0, *(len(i.id_bytes) for i in indexes)])
    common["id_end"] = np.concatenate([i.id_end + e for i, e in zip(indexes, ends, strict=False)])
    names = dict.fromkeys(name for i in indexes for name in i.columns)
    union = tuple(dict.fromkeys(name for i in indexes for name in i.metadata_names.tolist()))
    return ShardIndex(
        **common,
        columns={name: _joined(name, indexes) for name in names},
        metadata=np.concatenate([i.with_metadata(union).metadata for i in indexes]),
        metadata_names=_strings(union),
    )


def _joined(name: str, indexes: Sequence[ShardIndex]) -> np.ndarray:
    some = next(i.columns[name] for i in indexes if name in i.columns)
    parts = []
    for index in indexes:
        part = index.columns.get(name)
        if part is None:
            if not np.issubdtype(some.dtype, np.floating):
                raise DataError(f"some of these datasets have no column '{name}': prepare them all with this lcjax")
            part = np.full((len(index), *some.shape[1:]), np.nan, some.dtype)
        if part.shape[1:] != some.shape[1:]:
            raise DataError(f"'{name}' has {some.shape[1:]} and {part.shape[1:]} values: give data of one size")
        parts.append(part)
    return np.concatenate(parts)
