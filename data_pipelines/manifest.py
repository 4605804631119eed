"""`manifest.json` and `index.npz`: what a prepared dataset must contain, so that no damage goes unnoticed.

TFRecord files cut at a record boundary, or missing, read as if nothing were wrong. The manifest therefore holds records,
bytes and sha256 of every shard and side file; the index holds the length and label of every record, from which readers
plan windows and against which they check what they read.
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

from data_pipelines.plain_reader import parse_example, read_records
from lcjax.errors import DataError

MANIFEST, INDEX = "manifest.json", "index.npz"
SCHEMA_VERSION = 1
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

    def split(self, split: str) -> tuple[Shard, ...]:
        """Shards of one split, in file order."""
        return tuple(s for s in self.shards if s.split == split)

    def index(self, split: str) -> dict[str, np.ndarray]:
        """`length` and `label` (int32) of every record of a split, in file order."""
        try:
            with np.load(self.folder / INDEX, allow_pickle=False) as arrays:
                return {name: arrays[f"{split}/{name}"] for name in ("length", "label")}
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"index '{self.folder / INDEX}' cannot be read ({error}): prepare the data again"
            ) from error


def sha256_file(path: Path) -> str:
    """Hash of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _content_hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_manifest(folder: Path | str) -> Manifest:
    """Reads every shard of a tfds version folder and writes `index.npz` and `manifest.json` beside them."""
    folder = Path(folder)
    files = []
    index: dict[str, list[int]] = {}
    bands: set[str] = set()
    for path in sorted(folder.iterdir()):
        match = _SHARD.match(path.name)
        if not match:
            continue
        split = match["split"]
        records = 0
        for payload in read_records(path):
            example = parse_example(payload)
            index.setdefault(f"{split}/length", []).append(example["length"])
            index.setdefault(f"{split}/label", []).append(example["label"])
            bands.add(bytes(example["band"]).decode())
            records += 1
        files.append(
            {
                "file": path.name,
                "split": split,
                "records": records,
                "bytes": path.stat().st_size,
                "sha256": sha256_file(path),
            }
        )
    for entry in files:
        for name in ("length", "label"):
            index.setdefault(f"{entry['split']}/{name}", [])
    np.savez(folder / INDEX, **{name: np.array(values, np.int32) for name, values in index.items()})
    info = (
        json.loads((folder / "dataset_info.json").read_text())
        if (folder / "dataset_info.json").exists()
        else {}
    )
    side = sorted(
        p.name for p in folder.iterdir() if p.is_file() and not _SHARD.match(p.name) and p.name != MANIFEST
    )
    content = {
        "schema_version": SCHEMA_VERSION,
        "name": info.get("name", folder.parent.name),
        "version": info.get("version", folder.name),
        "class_names": _class_names(folder),
        "bands": sorted(bands),
        "shards": files,
        "side_files": {name: sha256_file(folder / name) for name in side},
    }
    temporary = folder / f".{MANIFEST}.partial"
    temporary.write_text(json.dumps({**content, "content_sha256": _content_hash(content)}, indent=1))
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
    try:
        content = json.loads(path.read_text())
        promised = content.pop("content_sha256")
        if content["schema_version"] != SCHEMA_VERSION:
            raise DataError(
                f"'{path}' has schema version {content['schema_version']}, this lcjax reads {SCHEMA_VERSION}: prepare the data again"
            )
        if promised != _content_hash(content):
            raise DataError(
                f"'{path}' has been changed since it was written: restore it or prepare the data again"
            )
        shards = tuple(
            Shard(path.parent / e["file"], e["split"], e["records"], e["bytes"], e["sha256"])
            for e in content["shards"]
        )
        return Manifest(
            folder=path.parent,
            name=content["name"],
            version=content["version"],
            class_names=tuple(content["class_names"]),
            bands=tuple(content["bands"]),
            shards=shards,
            side_files=dict(content["side_files"]),
            sha256=promised,
        )
    except OSError as error:
        raise DataError(
            f"'{path}' cannot be read: {error.strerror}; is this a folder that lcjax data prepare wrote?"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"'{path}' is damaged ({error}): restore it or prepare the data again") from error


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
                Damage(
                    shard.path, f"the file {how} where {shard.bytes:,} ({shard.records} records) were written"
                )
            )
    return found


def verify(folder: Path | str) -> list[Damage]:
    """Every damaged, missing, exchanged or unknown file of a dataset; empty if all is as written."""
    folder = Path(folder)
    try:
        manifest = read_manifest(folder)
    except DataError as error:
        return [Damage(folder / MANIFEST, str(error))]
    damage = check_sizes(manifest.shards)
    seen = {d.file for d in damage}
    by_hash = {s.sha256: s.path.name for s in manifest.shards}
    for shard in manifest.shards:
        if shard.path in seen:
            continue
        digest = sha256_file(shard.path)
        if digest != shard.sha256:
            swapped = by_hash.get(digest)
            reason = f"the file holds the content of '{swapped}'" if swapped else _where_damaged(shard)
            damage.append(Damage(shard.path, reason))
    for name, digest in manifest.side_files.items():
        path = folder / name
        if not path.is_file():
            damage.append(Damage(path, "the file is missing"))
        elif sha256_file(path) != digest:
            damage.append(Damage(path, "the content has changed since it was written"))
    known = {s.path.name for s in manifest.shards}
    for path in sorted(folder.iterdir()):
        if _SHARD.match(path.name) and path.name not in known:
            damage.append(Damage(path, "the manifest does not know this shard"))
    return damage


def _where_damaged(shard: Shard) -> str:
    try:
        count = sum(1 for _ in read_records(shard.path, check=True))
    except DataError as error:
        detail = str(error).split(": ", 1)[-1].split(";")[0]
        return f"the content has changed since it was written ({detail})"
    return f"the content has changed since it was written ({count} of {shard.records} records can be walked)"


def find_datasets(paths: Iterable[Path | str]) -> list[Path]:
    """Dataset folders (those with a manifest) at or below each path, sorted.

    Raises:
      DataError: a path does not exist or holds no prepared dataset.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(f"there is no folder '{path}': give the --out of  lcjax data prepare")
        here = [path] if (path / MANIFEST).exists() else sorted(p.parent for p in path.glob(f"**/{MANIFEST}"))
        if not here:
            raise DataError(
                f"'{path}' holds no prepared dataset (no {MANIFEST} in it or below): run  lcjax data prepare  first"
            )
        found += [folder for folder in here if folder not in found]
    return found
