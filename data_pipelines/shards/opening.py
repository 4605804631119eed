"""What a source finds when it opens prepared datasets: their manifests, what is known of the records, the shards that are sound."""

import importlib.util
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from data_pipelines.shards.classes import translation
from data_pipelines.shards.groups import WholeGroup
from data_pipelines.shards.index import ShardIndex, concatenate, empty_index
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import Manifest, check_sizes, find_datasets, read_manifest, verify
from data_pipelines.shards.plain_reader import Piece, PlainReader
from data_pipelines.shards.streams import CHUNK, Chunk, IndexedShard, Rows
from lcjax.errors import DataError

_CHUNK_BYTES = 8 << 20
"""Of a chunk, for kinds that do not say how many records it has."""


def open_manifests(paths: Sequence[Path | str], layout: RecordLayout) -> list[Manifest]:
    """The manifests of all datasets at or below the paths.

    Raises:
      DataError: there is none, one is damaged, or holds records of another layout.
    """
    manifests = [read_manifest(folder) for folder in find_datasets(paths)]
    for manifest in manifests:
        if manifest.kind != layout.kind:
            holds, reads = (kind.replace("_", " ") for kind in (manifest.kind, layout.kind))
            raise DataError(f"'{manifest.folder}' holds {holds}, not {reads}: give data that this model reads")
    return manifests


def distinct_names(manifests: Sequence[Manifest]) -> list[str]:
    """Names of datasets; where several have one name, with as many folders before it as tell them apart."""
    names = [manifest.name for manifest in manifests]
    out = []
    for manifest in manifests:
        alike = [other for other in manifests if other.name == manifest.name]
        above = [other.folder.absolute().parent.parent.parts[::-1] for other in alike]
        own = manifest.folder.absolute().parent.parent.parts[::-1]
        depth = next((n for n in range(len(own) + 1) if sum(parts[:n] == own[:n] for parts in above) == 1), 0)
        folders = [manifest.folder.name] if depth == 0 and names.count(manifest.name) > 1 else []
        out.append("/".join([*own[:depth][::-1], manifest.name, *folders]))
    return out


def read_indexes(
    manifests: Sequence[Manifest],
    split: str,
    layout: RecordLayout,
    metadata_names: Sequence[str] | None,
    adapted: Callable[[Manifest, ShardIndex], ShardIndex] = lambda manifest, index: index,
) -> ShardIndex:
    """One index of a split of all datasets.

    Args:
      metadata_names: columns wanted; None: all. adapted: makes the index of a dataset one of the layout.

    Raises:
      DataError: an index is damaged or of another layout, or a column is nowhere.
    """
    present = [manifest for manifest in manifests if manifest.split(split)]
    indexes = [adapted(manifest, manifest.index(split)) for manifest in present]
    for index, manifest in zip(indexes, present, strict=True):
        index.check(layout, manifest.folder)
    index = concatenate([index.of_layout(layout) for index in indexes] or [empty_index(layout)])
    if metadata_names is None:
        return index
    if lacking := [name for name in metadata_names if indexes and name not in index.metadata_names]:
        where = ", ".join(str(manifest.folder) for manifest in manifests)
        raise DataError(f"no record of {where} has the metadata '{lacking[0]}': choose other columns or other data")
    return index.with_metadata(metadata_names)


def merged_labels(
    manifests: Sequence[Manifest],
    split: str,
    index: ShardIndex,
    class_names: Sequence[str],
    synonyms: Mapping[str, str] | None = None,
) -> np.ndarray:
    """Class of every record in terms of `class_names`, (R,) int32; -1 for none. `synonyms`: name in the data -> class."""
    labels, at = index.label.copy(), 0
    for manifest in manifests:
        number = translation(manifest, class_names, synonyms)
        count = sum(shard.records for shard in manifest.split(split))
        own = labels[at : at + count]
        labels[at : at + count] = number[np.where((own >= 0) & (own < len(number) - 1), own, -1)]
        at += count
    return labels.astype(np.int32)


def records_of(
    manifests: Sequence[Manifest], split: str, object_ids: np.ndarray, named: Mapping[Path, frozenset[str]]
) -> np.ndarray:
    """(R,) bool, whether a record of the split is of one of these objects.

    Args:
      object_ids: (R,) of all records. named: resolved folder of a dataset -> object ids.
    """
    out, at = np.zeros(len(object_ids), bool), 0
    for manifest in manifests:
        count = sum(shard.records for shard in manifest.split(split))
        if names := named.get(manifest.folder.resolve()):
            out[at : at + count] = [name in names for name in object_ids[at : at + count].tolist()]
        at += count
    return out


def open_shards(
    manifests: Sequence[Manifest], split: str, index: ShardIndex, on_corrupt: str, unusable: np.ndarray | None = None
) -> tuple[list[IndexedShard], int]:
    """The shards of a split that have records of use, and how many records are left out with damaged ones.

    Args:
      unusable: (R,) bool, records that are not read; None: all are.
      on_corrupt: `raise`, or `skip_shard` to read every file first, leave damaged shards out and say so.

    Raises:
      DataError: a shard is damaged, or `on_corrupt` is something else.
    """
    if on_corrupt not in ("raise", "skip_shard"):
        raise DataError(f"on_corrupt is 'raise' or 'skip_shard', not '{on_corrupt}'")
    shards: list[IndexedShard] = []
    first = left_out = 0
    for manifest in manifests:
        promised = manifest.split(split)
        found = verify(manifest.folder) if on_corrupt == "skip_shard" else check_sizes(promised)
        damaged = {damage.file: damage for damage in found}
        for shard in promised:
            known = IndexedShard(shard, index.length[first : first + shard.records], first)
            first += shard.records
            damage = damaged.get(shard.path)
            if damage is not None and on_corrupt == "raise":
                raise DataError(
                    f"{damage}; restore the file or prepare the data again (lcjax data verify lists all damage)"
                )
            if damage is not None:
                left_out += shard.records
                warnings.warn(f"left out {shard.records} records: {damage}", stacklevel=4)
            elif shard.records and (unusable is None or not unusable[known.first : known.first + shard.records].all()):
                shards.append(known)
    return shards, left_out


def choose_reader(reader: str) -> str:
    """`tf.data` or `plain`.

    Args:
      reader: one of these, or `auto`: tf.data where TensorFlow is installed.

    Raises:
      DataError: there is no such reader, or it needs TensorFlow, which is not there.
    """
    if reader not in ("auto", "tf.data", "plain"):
        raise DataError(f"there is no reader '{reader}': use auto, tf.data or plain")
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    if reader == "auto":
        return "tf.data" if has_tensorflow else "plain"
    if reader == "tf.data" and not has_tensorflow:
        raise DataError("the tf.data reader needs TensorFlow: install tensorflow-cpu, or use --reader plain")
    return reader


class ReadsPieces(Protocol):
    """A reader of shards."""

    def pieces(self, plan: Iterator[tuple[Chunk, Rows]]) -> Iterator[Piece]:
        """One piece for each chunk of the plan, in order."""


def open_reader(reader: str, index: ShardIndex, layout: RecordLayout, whole: Sequence[WholeGroup]) -> ReadsPieces:
    """The reader of this name; TensorFlow is imported only where it is wanted."""
    if reader == "plain":
        return PlainReader(index, layout, whole)
    from data_pipelines.shards.tensorflow_reader import TensorFlowReader

    return TensorFlowReader(index, layout, whole)


def usual_chunk(index: ShardIndex) -> int:
    """How many records are read together: a power of two; of the data alone, since the order of rows depends on it."""
    records = _CHUNK_BYTES / max(float(index.size.mean()), 1.0)
    return int(2 ** np.clip(np.floor(np.log2(records)), 4, np.log2(CHUNK)))


def has_split(paths: Iterable[Path | str], split: str) -> bool:
    """Whether any of the datasets in some folders has records in a split."""
    return any(shard.records for folder in find_datasets(paths) for shard in read_manifest(folder).split(split))
