"""Published weights we know by name: where they are, what they are, and what is known about their integrity.

Each system lists its own; here they are one catalogue.
"""

import dataclasses
from functools import cache
from pathlib import Path

from lcjax.errors import WeightsError


@dataclasses.dataclass(frozen=True)
class Published:
    """One set of published weights."""

    name: str
    family: str
    """What `lcjax weights import` calls weights of this kind."""
    description: str
    paper: str
    licence: str
    urls: tuple[str, ...]
    """Addresses of the same model, tried in order: of a zip archive, or of the folder that holds `files`."""
    files: tuple[str, ...] = ()
    """Names of the files to fetch one by one, where the weights are not packed."""
    download_bytes: int | None = None
    """Rough size of the download, for the list."""
    sha256: tuple[tuple[str, str], ...] = ()
    """(address, sha256 of the file there) where known."""
    contents_sha256: tuple[tuple[str, str], ...] = ()
    """(file name, sha256) of files inside, where known: an archive may be packed anew, its contents may not change."""
    arrays_sha256: str | None = None
    """Hash of the imported arrays (`imported.arrays_sha256`), where they are known from elsewhere."""
    max_bytes: int = 256 << 20
    package: str | None = None
    """Python package that holds the weights where the user has installed it: they may not be passed on, so nothing is
    downloaded here."""

    def file_sha256(self, url: str) -> str | None:
        """What the file at `url` must hash to, if known."""
        return dict(self.sha256).get(url)

    def rows(self, cached: Path) -> dict[str, list[str]]:
        """What there is to say of it, name -> lines; `cached`: where it lies once it is fetched."""
        hashes = [f"{file} {digest}" for file, digest in (*self.sha256, *self.contents_sha256)]
        hashes += [f"of the arrays {self.arrays_sha256}"] if self.arrays_sha256 else []
        unknown = "unknown: recorded at the first download, with a warning" if self.urls else "-"
        return {
            "system": [self.family],
            "what": [self.description],
            "paper": [self.paper],
            "licence": [self.licence],
            "size": [f"{self.download_bytes / 1e6:.1f} MB" if self.download_bytes else "unknown"],
            "source": list(self.urls) or [f"the package {self.package}, where you have installed it"],
            "sha256": hashes or [unknown],
            "in cache": ["yes" if (cached / "config.json").exists() else "no"],
        }


@cache
def catalogue() -> dict[str, Published]:
    """Every entry of every system by name."""
    from lcjax.systems import systems

    return {entry.name: entry for system in systems().values() for entry in system.published()}


def published(name: str) -> Published:
    """The catalogue entry of that name.

    Raises:
      WeightsError: there is none; names the nearest.
    """
    import difflib

    if name in catalogue():
        return catalogue()[name]
    near = difflib.get_close_matches(name, catalogue(), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"the published names are {', '.join(catalogue())}"
    raise WeightsError(f"there are no published weights called '{name}': {hint}")
