"""`manifest.json`: what a prepared dataset must contain, so that no damage goes unnoticed.

TFRecord files cut at a record boundary, or missing, read as if nothing were wrong. The manifest therefore holds records,
bytes and sha256 of every shard, the sha256 of every file beside them, and a hash of itself. `index.npz` (see
`index`) is written with it, by `writing.write_manifest`.
"""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from data_pipelines.shards.index import ShardIndex, read_index
from data_pipelines.shards.tfrecord import DamagedFile, read_records
from lcjax.errors import ConfigError, DataError
from lcjax.files import is_left_over
from lcjax.schema import Whole, check

MANIFEST, INDEX = "manifest.json", "index.npz"
SCHEMA_VERSION = 2
_FIRST_KIND = "light_curves"
"""Of manifests that do not say what their records are."""
SHARD_NAME = re.compile(r"^(?P<name>.+)-(?P<split>[a-z_]+)\.tfrecord-(?P<i>\d{5})-of-(?P<n>\d{5})$")


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
    records: Whole
    bytes: Whole
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
    """Of the manifest's content."""
    fingerprint: str
    """Of the data: records, classes and bands, and not what lies beside them, whose bytes differ between versions of Python and Arrow."""
    kind: str = _FIRST_KIND
    """What the records are, as their `RecordLayout` says it."""
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    """What the numbers in them are: name -> text."""
    meaning: dict[str, Any] = dataclasses.field(default_factory=dict)
    """The same for programs, in the words of the kind of data; empty in manifests from before there was such a statement."""

    def split(self, split: str) -> tuple[Shard, ...]:
        """Shards of one split, in file order."""
        return tuple(s for s in self.shards if s.split == split)

    def check_side_file(self, name: str) -> None:
        """Raises DataError: a file beside the shards is missing or not as it was written."""
        promised = self.side_files.get(name)
        if promised is not None and (digest := _hash_or_none(self.folder / name)) != promised:
            how = "cannot be read" if digest is None else "has changed since it was written"
            raise DataError(f"'{self.folder / name}' {how}: restore it or prepare the data again")

    def index(self, split: str) -> ShardIndex:
        """What is known of every record of a split, in file order."""
        self.check_side_file(INDEX)
        index = read_index(self.folder / INDEX, split)
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


def manifest_text(content: dict[str, Any]) -> str:
    """The manifest's file content; its last entry is the hash of everything before, so that any edit shows."""
    body = {k: v for k, v in content.items() if k != "content_sha256"}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({**body, "content_sha256": digest}, indent=1) + "\n"


def data_fingerprint(content: dict[str, Any]) -> str:
    """Of the part of a manifest that says which rows come when; what is beside the shards is derived from them."""
    said = {name: content[name] for name in ("kind", "class_names", "bands", "shards")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path | str) -> Manifest:
    """The manifest of a dataset folder.

    Raises:
      DamagedFile: missing, unreadable, edited, or of another schema version.
    """
    path = Path(folder) / MANIFEST
    again = "restore it or prepare the data again"
    try:
        text = path.read_bytes().decode()
        content = json.loads(text)
        version = content["schema_version"]
        if version != SCHEMA_VERSION:
            reason = f"has schema version {version}, this lcjax reads {SCHEMA_VERSION}: prepare the data again"
        elif text != manifest_text(content):
            reason = f"has been changed since it was written: {again}"
        else:
            return _from_content(path.parent, content)
        found: Exception | None = None
    except FileNotFoundError as error:
        reason, found = f"is missing: {again}", error
    except OSError as error:
        reason, found = f"cannot be read ({error.strerror}): {again}", error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason, found = f"is damaged ({error}): {again}", error
    raise DamagedFile(f"'{path}' {reason}", reason) from found


def _from_content(folder: Path, content: dict[str, Any]) -> Manifest:
    for name in ("class_names", "bands", "shards"):
        if not isinstance(content[name], list):
            raise ValueError(f"'{name}' is no list")
    for name in [*(e["file"] for e in content["shards"]), *content["side_files"]]:
        if Path(name).name != name:
            raise ValueError(f"'{name}' is not the name of a file beside it")
    if odd := [name for name, digest in content["side_files"].items() if not isinstance(digest, str)]:
        raise ValueError(f"the hash of '{odd[0]}' is no text")
    manifest = Manifest(
        folder=folder,
        name=content["name"],
        version=content["version"],
        class_names=tuple(content["class_names"]),
        bands=tuple(content["bands"]),
        shards=tuple(
            Shard(folder / e["file"], e["split"], e["records"], e["bytes"], e["sha256"]) for e in content["shards"]
        ),
        side_files=dict(content["side_files"]),
        kind=str(content.get("kind", _FIRST_KIND)),
        sha256=content["content_sha256"],
        # Manifests of before do not have it, and the runs on such data go by the whole of them.
        fingerprint=str(content.get("data_sha256", content["content_sha256"])),
        facts=dict(content.get("facts", {})),
        meaning=dict(content.get("meaning", {})),
    )
    try:
        for part in (manifest, *manifest.shards):
            check(part)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return manifest


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
    except DamagedFile as error:
        return [Damage(folder / MANIFEST, error.reason), *_without_manifest(folder)]
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
        if SHARD_NAME.match(path.name) and path.name not in known:
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
    except DamagedFile as error:
        return f"the content has changed since it was written ({error.reason})"
    return f"the content has changed since it was written (it now holds {count} of {shard.records} records)"


def _without_manifest(folder: Path) -> list[Damage]:
    damage = []
    for path in sorted(p for p in folder.iterdir() if SHARD_NAME.match(p.name)) if folder.is_dir() else []:
        try:
            for _ in read_records(path):
                pass
        except DamagedFile as error:
            damage.append(Damage(path, error.reason))
    return damage


def find_datasets(paths: Iterable[Path | str]) -> list[Path]:
    """Dataset folders at or below each path, sorted, each once: those with a manifest, or with shards that lost theirs.

    Raises:
      DataError: a path does not exist or holds no prepared dataset.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(f"there is no folder '{path}': give the --out of  lcjax data prepare")
        if is_left_over(path.absolute()):
            raise DataError(f"'{path}' is what an interrupted  lcjax data prepare  left: run it again and remove this")
        here = [path] if _is_dataset(path) else sorted(p for p in path.rglob("*") if _is_dataset(p))
        if not here:
            raise DataError(
                f"'{path}' holds no prepared dataset (no {MANIFEST} in it or below): run  lcjax data prepare"
            )
        for folder in here:
            found.setdefault(os.path.realpath(folder), folder)
    return list(found.values())


def _is_dataset(folder: Path) -> bool:
    if not folder.is_dir() or ".incomplete" in folder.name or is_left_over(folder):
        return False
    if (folder / MANIFEST).exists() or (folder / INDEX).exists():
        return True
    return any(SHARD_NAME.match(p.name) for p in folder.iterdir())
