"""What a record of one kind of data holds, said once: its form on disk, its index and its batches follow from it.

Every record is one tf Example, in tfds layout:

| part of a layout | feature |
| --- | --- |
| always there | object_id, band: bytes, utf-8; label: int64, index into the class names of the dataset, -1 unlabelled |
| `texts` | bytes, utf-8; kept in the records alone |
| `integers`, names of shapes | int64 |
| `exact` | float64 as 8 little-endian bytes: dates, positions |
| `floats` | float32 |
| `series` | little-endian float32 in one bytes feature each |
| `targets` | vectors of little-endian float32 in one bytes feature each, NaN where unknown |
| `metadata` | `metadata/<name>`: float32, NaN where missing |
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from data_pipelines.shards.class_names import check_class_names
from data_pipelines.shards.tfrecord import BYTES, FLOAT, INT64, encode_example
from lcjax.errors import DataError

METADATA = "metadata/"
"""Begins the features of the metadata."""
LENGTH = "length"
"""Values of a record's first series, as the index calls them."""
_LARGEST_SIDE = 1 << 15
_COMMON = ("object_id", "band", "label")

Record = dict[str, Any]
"""What `RecordLayout.encode` makes: name -> text, number or array; `metadata` a dict of numbers."""


@dataclass(frozen=True)
class Group:
    """Series of one shape. The first group of a layout is cut into windows, all others are read whole."""

    name: str
    """Empty for the first group; else what `<name>_mask` and `<name>_length` of a batch are called by."""
    shape: tuple[str, ...]
    series: tuple[str, ...]

    @property
    def ragged(self) -> bool:
        """Whether its series differ in length from record to record."""
        return len(self.shape) == 1


@dataclass(frozen=True)
class RecordLayout:
    """The records of one kind of data.

    >>> layout = RecordLayout("spectra", {"flux": ("length",)}, floats=("redshift",))
    >>> layout.encode("a", flux=[1.0, 2.0], redshift=0.5)["length"]
    2
    """

    kind: str
    """As manifests call it."""
    series: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name -> the int64 features that say its shape. One: a series of its own length, such as `("length",)`; several series may
    share it. More: an array whose shape they are, such as `("height", "width", "channels")`."""
    exact: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    targets: Mapping[str, int] = field(default_factory=dict)
    """Name -> size: what is to be learned besides the class, such as the shares of votes."""
    metadata: bool = False
    """Whether the numbers under `metadata/` are collected as a table."""
    texts: tuple[str, ...] = ()
    stands_in: Mapping[str, str] = field(default_factory=dict)
    """Series -> the one that is read in its place in records that have only that one; its bytes are then of another meaning."""

    def __post_init__(self) -> None:
        own = (*_COMMON, *self.texts, *self.integers, *self.exact, *self.floats, *self.series, *self.targets)
        names = (*own, *self.shape_names, "metadata")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"the layout of {self.kind} has '{twice[0]}' twice")
        if LENGTH in own or any(LENGTH in group.shape for group in self.others):
            raise ValueError(f"in the layout of {self.kind} only the first series can have the length 'length'")

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Series by their shapes, in the order of their first."""
        members: dict[tuple[str, ...], list[str]] = {}
        for name, shape in self.series.items():
            members.setdefault(tuple(shape), []).append(name)
        names = [shape[0].removesuffix("_length") if len(shape) == 1 else own[0] for shape, own in members.items()]
        return tuple(
            Group(name if i else "", shape, tuple(own))
            for i, (name, (shape, own)) in enumerate(zip(names, members.items(), strict=True))
        )

    @property
    def first(self) -> Group | None:
        """The group that is cut into windows; None where there are no series."""
        return self.groups[0] if self.groups else None

    @property
    def others(self) -> tuple[Group, ...]:
        """Groups that are read whole."""
        return self.groups[1:]

    @cached_property
    def shape_names(self) -> tuple[str, ...]:
        """Features that are shapes."""
        return tuple(dict.fromkeys(name for group in self.groups for name in group.shape))

    @cached_property
    def required(self) -> dict[str, int]:
        """Feature that every record must have -> its type in the tf Example."""
        return {
            **dict.fromkeys(("object_id", "band", *self.exact, *self.series), BYTES),
            **dict.fromkeys(("label", *self.integers, *self.shape_names), INT64),
            **dict.fromkeys(self.floats, FLOAT),
        }

    @cached_property
    def columns(self) -> dict[str, type]:
        """Columns that the index adds to the common ones -> type of their numbers."""
        shapes = [name for name in self.shape_names if name != LENGTH]
        return {
            **dict.fromkeys(self.integers, np.int64),
            **dict.fromkeys((*self.exact, *self.floats), np.float64),
            **dict.fromkeys((*shapes, *(f"{name}_at" for name in self.series)), np.int64),
            **dict.fromkeys(self.targets, np.float32),
        }

    def encode(self, object_id: str, *, band: str = "", label: int | str | None = -1, **values: Any) -> Record:
        """One record, as a tfds builder yields it.

        Args:
          label: class index, -1 unlabelled; the name of a class or None where a builder is still to number the classes.
          values: the rest by name, `metadata` as a dict. Shapes come from the arrays. Numbers not given are NaN (integers must be
            given), targets NaN, further series empty.

        Raises:
          DataError: a name that the layout does not have, an array of the wrong form, or a missing value.
        """
        record: Record = {"object_id": object_id, "band": band, "label": label}
        record |= {name: str(values.pop(name, "")) for name in self.texts}
        for name in self.integers:
            if name not in values:
                raise DataError(f"record '{object_id}' has no '{name}': {self.kind} need it")
            record[name] = int(values.pop(name))
        record |= {name: np.float64(values.pop(name, np.nan)) for name in self.exact}
        record |= {name: np.float32(values.pop(name, np.nan)) for name in self.floats}
        for number, group in enumerate(self.groups):
            record |= self._encode_group(object_id, group, values, needed=number == 0)
        for name, size in self.targets.items():
            vector = values.pop(name, None)
            record[name] = np.full(size, np.nan, np.float32) if vector is None else np.asarray(vector, np.float32)
            if record[name].shape != (size,):
                raise DataError(f"'{name}' of record '{object_id}' has the shape {record[name].shape}, not ({size},)")
        metadata = values.pop("metadata", None)
        if metadata is not None:
            record["metadata"] = {name: np.float32(value) for name, value in metadata.items()}
        if values:
            raise DataError(f"record '{object_id}' has '{next(iter(values))}', which {self.kind} do not have")
        return record

    def _encode_group(self, object_id: str, group: Group, values: dict[str, Any], needed: bool) -> Record:
        missing = [name for name in group.series if name not in values]
        if missing and (needed or len(missing) < len(group.series)):
            raise DataError(f"record '{object_id}' has no '{missing[0]}': {self.kind} need it")
        none = np.zeros((0,) * len(group.shape), np.float32)
        arrays = {name: np.asarray(values.pop(name, none), np.float32) for name in group.series}
        shapes = {array.shape for array in arrays.values()}
        shape = next(iter(shapes))
        if len(shapes) > 1 or len(shape) != len(group.shape):
            found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            raise DataError(f"record '{object_id}' has {found}: all must be of one shape ({', '.join(group.shape)})")
        return {**dict(zip(group.shape, shape, strict=True)), **arrays}

    def features(
        self,
        class_names: Sequence[str] = (),
        metadata_names: Sequence[str] = (),
        shapes: Mapping[str, Sequence[int]] | None = None,
    ) -> Any:
        """The tfds FeaturesDict of a dataset.

        Args:
          class_names: names of the labels, in index order; may be empty (every label is then -1).
          metadata_names: float32 scalars that every record carries under `metadata/`.
          shapes: of arrays that have one shape in all records; the others are held flat (`flattened`).

        Raises:
          DataError: as `check_class_names`.
        """
        import tensorflow_datasets as tfds

        check_class_names(class_names)
        raw = tfds.features.Encoding.BYTES
        tensor = lambda shape, dtype=np.float32: tfds.features.Tensor(shape=shape, dtype=dtype, encoding=raw)
        shapes = shapes or {}
        features: dict[str, Any] = {
            **dict.fromkeys(("object_id", *self.texts, "band"), tfds.features.Text()),
            **dict.fromkeys((*self.integers, *self.shape_names), np.int64),
            "label": tfds.features.ClassLabel(names=list(class_names)) if class_names else np.int64,
            **{name: tensor((), np.float64) for name in self.exact},
            **{name: tensor(tuple(shapes.get(name, (None,)))) for name in self.series},
            **dict.fromkeys(self.floats, np.float32),
            **{name: tensor((size,)) for name, size in self.targets.items()},
        }
        if metadata_names:
            features["metadata"] = dict.fromkeys(metadata_names, np.float32)
        return tfds.features.FeaturesDict(features)

    def serialize(self, record: Mapping[str, Any]) -> bytes:
        """The tf Example of a record, as tfds writes it."""
        flat = {name: value for name, value in record.items() if name != "metadata"}
        flat |= {name: np.float64(record[name]).astype("<f8").tobytes() for name in self.exact}
        flat |= {name: float(record[name]) for name in self.floats}
        for name in (*self.series, *(name for name in self.targets if name in record)):
            flat[name] = np.ascontiguousarray(record[name], np.float32)
        flat |= {METADATA + name: float(value) for name, value in record.get("metadata", {}).items()}
        return encode_example(flat)

    def decode(self, features: Mapping[str, Any], class_names: Sequence[str] | None = None) -> Record:
        """The record of a tf Example: the inverse of `encode` and `serialize`.

        Args:
          features: by name, as `tfrecord.parse_example` reads them. class_names: labels become names of these, None unlabelled.

        Raises:
          KeyError, ValueError: the features are not those of this layout.
        """
        text = lambda name: bytes(features[name]).decode()
        label: int | str | None = int(features["label"])
        if class_names is not None:
            label = class_names[label] if 0 <= label < len(class_names) else None
        record: Record = {"object_id": text("object_id"), "band": text("band"), "label": label}
        record |= {name: text(name) for name in self.texts if name in features}
        record |= {name: int(features[name]) for name in (*self.integers, *self.shape_names)}
        record |= {name: np.frombuffer(features[name], "<f8")[0] for name in self.exact}
        record |= {name: np.float32(features[name]) for name in self.floats}
        for name, shape in self.series.items():
            record[name] = np.frombuffer(features[name], "<f4").reshape([record[side] for side in shape])
        for name, size in self.targets.items():
            unknown = np.full(size, np.nan, "<f4").tobytes()
            record[name] = np.frombuffer(features.get(name, unknown), "<f4").reshape(size)
        metadata = {k.removeprefix(METADATA): np.float32(v) for k, v in features.items() if k.startswith(METADATA)}
        return record | {"metadata": metadata} if metadata else record

    def describe_record(self, where: str, values: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
        """What the index keeps of a record besides the common columns and positions: `length`, own columns, metadata.

        Args:
          where: the record, for messages. values: feature -> value, series left out. sizes: bytes of each series.

        Raises:
          DataError: the features contradict each other.
        """
        entry: dict[str, Any] = {name: values[name] for name in (*self.integers, *self.shape_names)}
        entry |= {name: as_float64(where, name, values) for name in self.exact}
        entry |= {name: float(values[name]) for name in self.floats}
        for number, group in enumerate(self.groups):
            count = self._count(where, group, values, least=0 if number or group.ragged else 1)
            if number == 0:
                entry[LENGTH] = count
            for name in group.series:
                if sizes[name] != 4 * count:
                    raise DataError(
                        f"'{name}' of {where} has {sizes[name]} bytes where {count} points need {4 * count}"
                    )
        if not self.groups:
            entry[LENGTH] = 1
        for name, size in self.targets.items():
            entry[name] = _vector(where, name, size, values)
        if self.metadata:
            entry["metadata"] = {k.removeprefix(METADATA): v for k, v in values.items() if k.startswith(METADATA)}
        return entry

    def _count(self, where: str, group: Group, values: Mapping[str, Any], least: int) -> int:
        shape = tuple(values[name] for name in group.shape)
        if min(shape) < least or (not group.ragged and max(shape) > _LARGEST_SIDE):
            raise DataError(f"the {' and '.join(group.series)} of {where} claim the shape {shape}")
        return math.prod(shape)


def flattened(record: Record, names: Sequence[str]) -> Record:
    """The record with these arrays flat, for datasets whose arrays are of several shapes."""
    return record | {name: record[name].reshape(-1) for name in names}


def as_float64(where: str, name: str, values: Mapping[str, Any]) -> float:
    """A feature of eight little-endian bytes.

    Raises:
      DataError: it has another size.
    """
    if len(values[name]) != 8:
        raise DataError(f"'{name}' of {where} is not one float64")
    return float(np.frombuffer(values[name], "<f8")[0])


def _vector(where: str, name: str, size: int, values: Mapping[str, Any]) -> np.ndarray:
    if name not in values:
        return np.full(size, np.nan, np.float32)
    if not isinstance(values[name], bytes) or len(values[name]) != 4 * size:
        raise DataError(f"'{name}' of {where} is not a vector of {size} float32")
    return np.frombuffer(values[name], "<f4")
