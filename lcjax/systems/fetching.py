"""From a published name to a weights folder in the cache: download, check, import."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from lcjax import files
from lcjax.errors import WeightsError
from lcjax.files import cache_folder
from lcjax.pretrained.download import (
    PATIENCE,
    Patience,
    Progress,
    download,
    only_one_process,
    sha256_of,
    unpack_zip,
)
from lcjax.pretrained.weights_folder import ARRAYS, ImportedWeights, arrays_sha256, write_weights
from lcjax.systems.catalogue import published
from lcjax.systems.importing import import_weights
from lcjax.systems.published_weights import Published


def fetch(
    name: str, say: Callable[[str], None] = print, progress: Progress | None = None, patience: Patience = PATIENCE
) -> Path:
    """The weights folder of a published model in the cache, downloaded and imported on first use.

    `$LCJAX_WEIGHTS_MIRROR` is a base address that is tried first, for sites without access to the originals; below it
    lie the archives, and one folder, called like the model, for each whose files are not packed.

    Raises:
      WeightsError: unknown name, no address answers, or contents that are not what was published.
    """
    entry = published(name)
    folder = cache_folder() / "weights" / name
    if (folder / "config.json").exists() and (folder / ARRAYS).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    downloaded, url = (None, "") if entry.package else _download(entry, say, progress, patience)
    with only_one_process(folder):
        if not ((folder / "config.json").exists() and (folder / ARRAYS).exists()):
            write_weights(folder, _imported(entry, downloaded, url), name)
    return folder


def _imported(entry: Published, downloaded: Path | None, url: str) -> ImportedWeights:
    """The weights of an installed package, of a folder of files, or of an archive; checked as far as is known."""
    if downloaded is None:
        return import_weights(entry.family, entry.package or "")
    packed = downloaded.is_file()
    folder = unpack_zip(downloaded, cache_folder() / "unpacked" / entry.name) if packed else downloaded
    try:
        source = folder if ARRAYS in entry.files else _find_checkpoint(folder, url)
        _check_contents(entry, source, url)
        imported = import_weights(entry.family, source)
    finally:
        if packed:
            shutil.rmtree(folder, ignore_errors=True)
    if entry.arrays_sha256 not in (None, arrays_sha256(imported.variables)):
        raise WeightsError(f"the weights at {url} are not the published ones of '{entry.name}': do not use them")
    return imported


def _download(
    entry: Published, say: Callable[[str], None], progress: Progress | None, patience: Patience
) -> tuple[Path, str]:
    """The archive, or the folder of the files, from the first address that has all of it; and that address."""
    mirror = os.environ.get("LCJAX_WEIGHTS_MIRROR")
    urls = list(entry.urls)
    if mirror:
        urls.insert(0, f"{mirror.rstrip('/')}/{entry.name if entry.files else _file_name(entry.urls[0])}")
    if not urls:
        raise WeightsError(
            f"the weights of '{entry.name}' are not released yet: train them (lcjax train {entry.name} --help), or set "
            f"LCJAX_WEIGHTS_MIRROR to an address below which {entry.name}/ holds {' and '.join(entry.files)}"
        )
    folder = cache_folder() / "downloads" / entry.name
    failures = []
    for url in urls:
        try:
            for name in entry.files:
                _download_file(f"{url}/{name}", folder / name, entry, say, progress, patience)
            if entry.files:
                return folder, url
            return _download_file(url, folder / _file_name(url), entry, say, progress, patience), url
        except WeightsError as error:
            failures.append(str(error))
    raise WeightsError(f"{'; '.join(failures)}; or import files you have:  lcjax weights import {entry.family} SRC")


def _download_file(
    url: str, target: Path, entry: Published, say: Callable[[str], None], progress: Progress | None, patience: Patience
) -> Path:
    known = entry.file_sha256(url) or _recorded_hash(url)
    download(url, target, known, entry.max_bytes, progress, patience)
    if known is None:
        found = sha256_of(target)
        checked = bool(entry.contents_sha256 or entry.arrays_sha256)
        say(
            f"no published sha256 is known for {url}: recorded {found} at this first download, later "
            "ones must match" + ("; the weights inside are checked" if checked else "")
        )
        _record_hash(url, found)
    return target


def _file_name(url: str) -> str:
    """The last part of an address.

    >>> _file_name("https://x.org/a/b.zip?download=1")
    'b.zip'
    """
    return url.split("?")[0].rsplit("/", 1)[-1]


def _hash_file() -> Path:
    return cache_folder() / "downloads" / "sha256.json"


def _recorded_hash(url: str) -> str | None:
    try:
        return json.loads(_hash_file().read_text()).get(url)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _record_hash(url: str, sha256: str) -> None:
    path = _hash_file()
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    files.write_text(
        path, json.dumps({**known, url: sha256}, indent=1), "make room or set LCJAX_CACHE to another folder"
    )


def _find_checkpoint(folder: Path, url: str) -> Path:
    indexes = [f for f in sorted(folder.rglob("*.index")) if "__MACOSX" not in f.parts]
    if len(indexes) != 1:
        raise WeightsError(f"the download from {url} holds {len(indexes)} TensorFlow checkpoints where one is expected")
    return indexes[0].with_suffix("")


def _check_contents(entry: Published, prefix: Path, url: str) -> None:
    """Files of a checkpoint, by its prefix, or of a folder that is one of ours."""
    folder = prefix if prefix.is_dir() else prefix.parent
    for name, sha256 in entry.contents_sha256:
        file = folder / name
        if not file.is_file() or sha256_of(file) != sha256:
            raise WeightsError(f"'{name}' from {url} is not the published file: do not use it")
