"""Shards, and the manifest and index that make a folder of them a dataset."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.shards.index import as_arrays, build_index
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import (
    INDEX,
    MANIFEST,
    SCHEMA_VERSION,
    SHARD_NAME,
    Manifest,
    data_fingerprint,
    manifest_text,
    read_manifest,
    sha256_file,
)
from data_pipelines.shards.tfrecord import write_records
from lcjax.errors import DataError
from lcjax.files import new_file, write_text


def shard_name(dataset: str, split: str, shard: int, shards: int) -> str:
    """The file name tfds gives a shard.

    >>> shard_name("asas", "train", 0, 8)
    'asas-train.tfrecord-00000-of-00008'
    """
    return f"{dataset}-{split}.tfrecord-{shard:05d}-of-{shards:05d}"


def write_shards(
    folder: Path | str,
    dataset: str,
    split: str,
    records: Iterable[Mapping[str, Any]],
    layout: RecordLayout,
    shards: int = 1,
) -> list[Path]:
    """Writes records (as `layout.encode` makes them) to shards without tfds, evenly and in order; then `write_manifest`.

    For tests, benchmarks and simulated data; datasets for people are written by tfds builders.
    """
    payloads = [layout.serialize(record) for record in records]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    edges = np.linspace(0, len(payloads), shards + 1).round().astype(int)
    paths = [folder / shard_name(dataset, split, i, shards) for i in range(shards)]
    for path, first, last in zip(paths, edges[:-1], edges[1:], strict=True):
        write_records(path, payloads[first:last])
    return paths


def write_manifest(
    folder: Path | str,
    layout: RecordLayout,
    facts: Mapping[str, str] | None = None,
    meaning: Mapping[str, Any] | None = None,
) -> Manifest:
    """Reads every shard of a tfds version folder and writes `index.npz` and `manifest.json` beside them.

    Call it last: files that lie in the folder then are covered, and count as damaged when they change.

    Args:
      layout: of the records. facts: what the numbers in them are, as far as it is worth saying: name -> text.
      meaning: the same for programs, as the kind of data reads it: anything that JSON can hold.

    Raises:
      DataError: a damaged shard, a record that does not follow the layout, or no shards at all.
      StorageError: the folder cannot be written.
    """
    folder = Path(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    by_split = _shards_by_split(folder)
    arrays: dict[str, np.ndarray] = {}
    shards, bands = [], set()
    for split, paths in by_split.items():
        index, counts = build_index(paths, layout)
        arrays |= as_arrays(split, index, layout)
        bands |= set(index.band_names.tolist())
        for path, count in zip(paths, counts, strict=True):
            counted = {"records": count, "bytes": path.stat().st_size, "sha256": sha256_file(path)}
            shards.append({"file": path.name, "split": split, **counted})
    with new_file(folder / INDEX) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
    info = _tfds_info(folder)
    side = [p for p in sorted(folder.iterdir()) if p.is_file() and not SHARD_NAME.match(p.name) and p.name[0] != "."]
    content = {
        "schema_version": SCHEMA_VERSION,
        "name": info.get("name", folder.parent.name),
        "version": info.get("version", folder.name),
        "kind": layout.kind,
        "class_names": _class_names(folder),
        "bands": sorted(bands),
        "shards": shards,
        **({"facts": dict(facts)} if facts else {}),
        **({"meaning": dict(meaning)} if meaning else {}),
        "side_files": {p.name: sha256_file(p) for p in side},
    }
    content["data_sha256"] = data_fingerprint(content)
    write_text(folder / MANIFEST, manifest_text(content))
    return read_manifest(folder)


def _shards_by_split(folder: Path) -> dict[str, Sequence[Path]]:
    by_split: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if match := SHARD_NAME.match(path.name):
            by_split.setdefault(match["split"], []).append(path)
    if not by_split:
        raise DataError(f"'{folder}' holds no shards (NAME-SPLIT.tfrecord-00000-of-0000N): prepare the data first")
    return dict(by_split)


def _tfds_info(folder: Path) -> dict[str, Any]:
    path = folder / "dataset_info.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _class_names(folder: Path) -> list[str]:
    for path in sorted(folder.glob("*label.labels.txt")):
        lines = path.read_text(encoding="utf-8").split("\n")  # as tfds does it: other breaks are none
        return [line.strip() for line in lines if line.strip()]
    return []
