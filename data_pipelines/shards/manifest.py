"""`manifest.json`: what a prepared dataset must contain, so that no damage goes unnoticed.

TFRecord files cut at a record boundary, or missing, read as if nothing were wrong. The manifest therefore holds records,
bytes and sha256 of every shard, the sha256 of every file beside them, and a hash of itself. `index.npz` (see
`record_index`) is written with it.
"""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.alerts.records import StampIndex
from data_pipelines.shards.index import RecordIndex, ShardIndex, as_arrays, build_index, read_index, record_kind
from data_pipelines.shards.tfrecord import read_records
from lcjax.errors import DataError

MANIFEST, INDEX = "manifest.json", "index.npz"
SCHEMA_VERSION = 2
INDEXES: dict[str, type[ShardIndex]] = {kind.kind: kind for kind in (RecordIndex, StampIndex)}
"""What the records of a dataset are -> their index; manifests that do not say are of light curves."""
_SHARD = re.compile(r"^(?P<name>.+)-(?P<split>[a-z_]+)\.tfrecord-(?P<i>\d{5})-of-(?P<n>\d{5})$")


@dataclasses.dataclass(frozen=True)
class Damage:
    """One damaged file of a dataset."""

    file: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file as the manifest promises it."""

    path: Path
    split: str
    records: int
    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A prepared dataset: its files and classes."""

    folder: Path
    name: str
    version: str
    class_names: tuple[str, ...]
    bands: tuple[str, ...]
    shards: tuple[Shard, ...]
    side_files: dict[str, str]
    """File name -> sha256 of the tfds descriptions and the index."""
    sha256: str
    """Of the manifest's content: the fingerprint of the dataset."""
    kind: str = RecordIndex.kind
    """What the records are: `light_curves` or `stamps`."""

    def split(self, split: str) -> tuple[Shard, ...]:
        """Shards of one split, in file order."""
        return tuple(s for s in self.shards if s.split == split)

    def index(self, split: str) -> Any:
        """What is known of every record of a split, in file order: the `ShardIndex` of this kind of records."""
        index = read_index(self.folder / INDEX, split, INDEXES[self.kind])
        promised = sum(s.records for s in self.split(split))
        if len(index) != promised:
            raise DataError(
                f"index '{self.folder / INDEX}' knows {len(index)} records of '{split}' where the manifest promises {promised}: "
                "restore it or prepare the data again"
            )
        return index


def sha256_file(path: Path) -> str:
    """Hash of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _as_text(content: dict[str, Any]) -> str:
    """The manifest's file content; its last entry is the hash of everything before, so that any edit shows."""
    body = {k: v for k, v in content.items() if k != "content_sha256"}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({**body, "content_sha256": digest}, indent=1) + "\n"


def write_manifest(folder: Path | str) -> Manifest:
    """Reads every shard of a tfds version folder and writes `index.npz` and `manifest.json` beside them.

    Call it last: files that lie in the folder then are covered, and count as damaged when they change.

    Raises:
      DataError: a damaged shard, a record that does not follow the schema, or no shards at all.
    """
    folder = Path(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    by_split: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if match := _SHARD.match(path.name):
            by_split.setdefault(match["split"], []).append(path)
    if not by_split:
        raise DataError(f"'{folder}' holds no shards (NAME-SPLIT.tfrecord-00000-of-0000N): prepare the data first")
    arrays, shards, bands = {}, [], set()
    kind = record_kind([path for paths in by_split.values() for path in paths], list(INDEXES.values()))
    for split, paths in by_split.items():
        index, counts = build_index(paths, kind)
        arrays |= as_arrays(split, index)
        bands |= set(index.band_names.tolist())
        for path, count in zip(paths, counts, strict=True):
            facts = {"records": count, "bytes": path.stat().st_size, "sha256": sha256_file(path)}
            shards.append({"file": path.name, "split": split, **facts})
    np.savez(folder / INDEX, **arrays)
    description = folder / "dataset_info.json"
    info = json.loads(description.read_text()) if description.exists() else {}
    side = [p for p in sorted(folder.iterdir()) if p.is_file() and not _SHARD.match(p.name) and p.name[0] != "."]
    content = {
        "schema_version": SCHEMA_VERSION,
        "name": info.get("name", folder.parent.name),
        "version": info.get("version", folder.name),
        "kind": kind.kind,
        "class_names": _class_names(folder),
        "bands": sorted(bands),
        "shards": shards,
        "side_files": {p.name: sha256_file(p) for p in side},
    }
    temporary = folder / f".{MANIFEST}.partial"
    temporary.write_text(_as_text(content))
    os.replace(temporary, folder / MANIFEST)
    return read_manifest(folder)


def _class_names(folder: Path) -> list[str]:
    for path in sorted(folder.glob("*label.labels.txt")):
        return path.read_text().splitlines()
    return []


def read_manifest(folder: Path | str) -> Manifest:
    """The manifest of a dataset folder.

    Raises:
      DataError: missing, unreadable, edited, or of another schema version.
    """
    path = Path(folder) / MANIFEST
    again = "restore it or prepare the data again"
    try:
        text = path.read_bytes().decode()
        content = json.loads(text)
        if content["schema_version"] != SCHEMA_VERSION:
            found = content["schema_version"]
            raise DataError(
                f"'{path}' has schema version {found}, this lcjax reads {SCHEMA_VERSION}: prepare the data again"
            )
        if text != _as_text(content):
            raise DataError(f"'{path}' has been changed since it was written: {again}")
        return _from_content(path.parent, content)
    except FileNotFoundError as error:
        raise DataError(f"'{path}' is missing: {again}") from error
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror}): {again}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"'{path}' is damaged ({error}): {again}") from error


def _from_content(folder: Path, content: dict[str, Any]) -> Manifest:
    for name in [*(e["file"] for e in content["shards"]), *content["side_files"]]:
        if Path(name).name != name:
            raise ValueError(f"'{name}' is not the name of a file beside it")
    return Manifest(
        folder=folder,
        name=content["name"],
        version=content["version"],
        class_names=tuple(content["class_names"]),
        bands=tuple(content["bands"]),
        shards=tuple(
            Shard(folder / e["file"], e["split"], e["records"], e["bytes"], e["sha256"]) for e in content["shards"]
        ),
        side_files=dict(content["side_files"]),
        kind=_known_kind(content),
        sha256=content["content_sha256"],
    )


def _known_kind(content: dict[str, Any]) -> str:
    kind = content.get("kind", RecordIndex.kind)
    if kind not in INDEXES:
        raise ValueError(f"records of kind '{kind}' are not known")
    return kind


def check_sizes(shards: Iterable[Shard]) -> list[Damage]:
    """Missing, empty, shortened or grown shards: everything a look at the file system can tell."""
    found = []
    for shard in shards:
        if not shard.path.is_file():
            found.append(Damage(shard.path, "the file is missing"))
            continue
        size = shard.path.stat().st_size
        if size != shard.bytes:
            how = "is empty" if size == 0 else f"has {size:,} bytes"
            found.append(
                Damage(shard.path, f"the file {how} where {shard.bytes:,} ({shard.records} records) were written")
            )
    return found


def verify(folder: Path | str) -> list[Damage]:
    """Every damaged, missing, exchanged or unknown file of a dataset; empty if all is as written.

    With a damaged manifest only the shards' own checksums are left to go by.
    """
    folder = Path(folder)
    try:
        manifest = read_manifest(folder)
    except DataError as error:
        reason = str(error).removeprefix(f"'{folder / MANIFEST}' ")
        return [Damage(folder / MANIFEST, reason), *_without_manifest(folder)]
    contents = {s.sha256: s.path.name for s in manifest.shards}
    contents |= {digest: name for name, digest in manifest.side_files.items()}
    damage = check_sizes(manifest.shards)
    sized = {d.file for d in damage}
    for shard in manifest.shards:
        if shard.path in sized:
            damage = [_explained(d, shard, contents) if d.file == shard.path else d for d in damage]
        elif (digest := _hash_or_none(shard.path)) != shard.sha256:
            damage.append(Damage(shard.path, _what_happened(shard, digest, contents)))
    for name, promised in manifest.side_files.items():
        path = folder / name
        if not path.is_file():
            damage.append(Damage(path, "the file is missing"))
        elif (digest := _hash_or_none(path)) != promised:
            damage.append(Damage(path, _exchanged(digest, contents) or "the content has changed since it was written"))
    known = {s.path.name for s in manifest.shards}
    for path in sorted(folder.iterdir()):
        if _SHARD.match(path.name) and path.name not in known:
            damage.append(Damage(path, "the manifest does not know this shard"))
    return damage


def _hash_or_none(path: Path) -> str | None:
    try:
        return sha256_file(path)
    except OSError:
        return None


def _exchanged(digest: str | None, contents: dict[str, str]) -> str | None:
    return f"the file holds the content of '{contents[digest]}'" if digest in contents else None


def _explained(damage: Damage, shard: Shard, contents: dict[str, str]) -> Damage:
    """A file of the wrong size: exchanged with another one, or cut?"""
    if not shard.path.is_file() or shard.path.stat().st_size == 0:
        return damage
    return Damage(shard.path, _exchanged(_hash_or_none(shard.path), contents) or damage.reason)


def _what_happened(shard: Shard, digest: str | None, contents: dict[str, str]) -> str:
    if digest is None:
        return "the file cannot be read"
    if exchanged := _exchanged(digest, contents):
        return exchanged
    try:
        count = sum(1 for _ in read_records(shard.path))
    except DataError as error:
        detail = str(error).split(": ", 1)[-1].split(";")[0]
        return f"the content has changed since it was written ({detail})"
    return f"the content has changed since it was written (it now holds {count} of {shard.records} records)"


def _without_manifest(folder: Path) -> list[Damage]:
    damage = []
    for path in sorted(p for p in folder.iterdir() if _SHARD.match(p.name)) if folder.is_dir() else []:
        try:
            for _ in read_records(path):
                pass
        except DataError as error:
            damage.append(Damage(path, str(error).split(": ", 1)[-1].split(";")[0]))
    return damage


def find_datasets(paths: Iterable[Path | str]) -> list[Path]:
    """Dataset folders at or below each path, sorted: those with a manifest, or with shards that lost theirs.

    Raises:
      DataError: a path does not exist or holds no prepared dataset.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(f"there is no folder '{path}': give the --out of  lcjax data prepare")
        here = [path] if _is_dataset(path) else sorted(p for p in path.rglob("*") if _is_dataset(p))
        if not here:
            raise DataError(
                f"'{path}' holds no prepared dataset (no {MANIFEST} in it or below): run  lcjax data prepare"
            )
        found += [folder for folder in here if folder not in found]
    return found


def _is_dataset(folder: Path) -> bool:
    if not folder.is_dir() or ".incomplete" in folder.name:
        return False
    if (folder / MANIFEST).exists() or (folder / INDEX).exists():
        return True
    return any(_SHARD.match(p.name) for p in folder.iterdir())
