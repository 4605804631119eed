"""Published weights we can fetch by name: where they are, what they are, and what is known about their integrity."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from lcjax.errors import WeightsError
from lcjax.pretrained.download import (
    PATIENCE,
    Patience,
    Progress,
    cache_folder,
    download,
    only_one_process,
    sha256_of,
    unpack_zip,
)


@dataclasses.dataclass(frozen=True)
class Published:
    """One set of published weights."""

    name: str
    system: str
    description: str
    paper: str
    licence: str
    urls: tuple[str, ...]
    """Addresses of the same model, tried in order."""
    download_bytes: int | None = None
    """Rough size of the archive, for the list."""
    sha256: tuple[tuple[str, str], ...] = ()
    """(address, sha256 of the archive) where known."""
    contents_sha256: tuple[tuple[str, str], ...] = ()
    """(file name, sha256) of files inside, where known: an archive may be packed anew, its contents may not change."""
    max_bytes: int = 256 << 20
    package: str | None = None
    """Python package that holds the weights where the user has installed it: they may not be passed on, so nothing is
    downloaded here."""

    def archive_sha256(self, url: str) -> str | None:
        """What the archive at `url` must hash to, if known."""
        return dict(self.sha256).get(url)


_GITHUB = "https://github.com/astromer-science/weights/raw/main"
_ZENODO = "https://zenodo.org/records/18207945/files"

CATALOGUE: dict[str, Published] = {
    entry.name: entry
    for entry in (
        Published(
            name="astromer1-macho",
            system="astromer1",
            description="Astromer 1 pretrained on MACHO R light curves (661,505 parameters)",
            paper="Donoso-Oliva et al. 2023, A&A 670, A54",
            licence="not stated in the weights repository (authors' code: MIT)",
            urls=(f"{_GITHUB}/macho_a0.zip", f"{_ZENODO}/pt_macho_v1_2021.zip?download=1"),
            download_bytes=2_500_000,
            # Of the files in commit 649eda47 of the weights repository.
            contents_sha256=(
                ("weights.data-00000-of-00001", "052a4d96e6c1d0fbb468e181c383a1e5c5873ebb810aca8628e50f967a545e96"),
                ("weights.index", "09c628f4fa0264c2d64b801fda150f54ed23a3f169f6eff2a525dedb3abe517e"),
            ),
        ),
        Published(
            name="astromer2-macho",
            system="astromer2",
            description="Astromer 2 pretrained on MACHO light curves (3,953,409 parameters)",
            paper="Donoso-Oliva et al. 2026, A&A 707, A170",
            licence="not stated in the weights repository (authors' code: MIT)",
            urls=(f"{_GITHUB}/macho_a1.zip", f"{_ZENODO}/pt_macho_v2_2025.zip?download=1"),
        ),
        Published(
            name="delight",
            system="delight",
            description="DELIGHT v1, hosts of transients (2,297,184 parameters)",
            paper="Forster et al. 2022, AJ 164, 195",
            licence="GPL-3.0-or-later",
            urls=(),
            package="astro-delight",
        ),
    )
}


def published(name: str) -> Published:
    """The catalogue entry of that name.

    Raises:
      WeightsError: there is none; names the nearest.
    """
    import difflib

    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, CATALOGUE, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"the published names are {', '.join(CATALOGUE)}"
    raise WeightsError(f"there are no published weights called '{name}': {hint}")


def fetch(
    name: str, say: Callable[[str], None] = print, progress: Progress | None = None, patience: Patience = PATIENCE
) -> Path:
    """The weights folder of a published model in the cache, downloaded and imported on first use.

    `$LCJAX_WEIGHTS_MIRROR` is a base address that is tried first, for sites without access to the originals.

    Raises:
      WeightsError: unknown name, no address answers, or contents that are not what was published.
    """
    from lcjax.pretrained.imported import ARRAYS, write_weights
    from lcjax.pretrained.importing import import_weights

    entry = published(name)
    folder = cache_folder() / "weights" / name
    if (folder / "config.json").exists() and (folder / ARRAYS).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    if entry.package:
        imported = import_weights(entry.system, entry.package)
        with only_one_process(folder):
            if not (folder / ARRAYS).exists():
                write_weights(folder, imported, name)
        return folder
    archive, url = _download_archive(entry, say, progress, patience)
    with only_one_process(folder):
        if (folder / "config.json").exists() and (folder / ARRAYS).exists():
            return folder
        unpacked = unpack_zip(archive, cache_folder() / "unpacked" / name)
        try:
            source = _find_checkpoint(unpacked, url)
            _check_contents(entry, source, url)
            write_weights(folder, import_weights(entry.system, source), name)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    return folder


def _download_archive(
    entry: Published, say: Callable[[str], None], progress: Progress | None, patience: Patience
) -> tuple[Path, str]:
    mirror = os.environ.get("LCJAX_WEIGHTS_MIRROR")
    urls = list(entry.urls)
    if mirror:
        urls.insert(0, f"{mirror.rstrip('/')}/{_file_name(entry.urls[0])}")
    failures = []
    for url in urls:
        target = cache_folder() / "downloads" / entry.name / _file_name(url)
        known = entry.archive_sha256(url) or _recorded_hash(url)
        try:
            download(url, target, known, entry.max_bytes, progress, patience)
        except WeightsError as error:
            failures.append(str(error))
            continue
        if known is None:
            found = sha256_of(target)
            say(
                f"no published sha256 is known for {url}: recorded {found} at this first download, later "
                "ones must match" + ("; the files inside are checked" if entry.contents_sha256 else "")
            )
            _record_hash(url, found)
        return target, url
    raise WeightsError("; ".join(failures))


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
    except (OSError, ValueError, AttributeError):
        return None


def _record_hash(url: str, sha256: str) -> None:
    path = _hash_file()
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps({**known, url: sha256}, indent=1))
    os.replace(temporary, path)


def _find_checkpoint(folder: Path, url: str) -> Path:
    indexes = [f for f in sorted(folder.rglob("*.index")) if "__MACOSX" not in f.parts]
    if len(indexes) != 1:
        raise WeightsError(f"the archive at {url} holds {len(indexes)} TensorFlow checkpoints where one is expected")
    return indexes[0].with_suffix("")


def _check_contents(entry: Published, prefix: Path, url: str) -> None:
    for name, sha256 in entry.contents_sha256:
        file = prefix.parent / name
        if not file.is_file() or sha256_of(file) != sha256:
            raise WeightsError(f"'{name}' in the archive at {url} is not the published file: do not use it")
