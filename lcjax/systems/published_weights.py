"""What a system says of its published weights: where they are, what they are, what is known of their integrity, who reads them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcjax.pretrained.weights_folder import ImportedWeights


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
    """Hash of the imported arrays (`weights_folder.arrays_sha256`), where they are known from elsewhere."""
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
            "family": [self.family],
            "what": [self.description],
            "paper": [self.paper],
            "licence": [self.licence],
            "size": [f"{self.download_bytes / 1e6:.1f} MB" if self.download_bytes else "unknown"],
            "source": list(self.urls) or [f"the package {self.package}, where you have installed it"],
            "sha256": hashes or [unknown],
            "in cache": ["yes" if (cached / "config.json").exists() else "no"],
        }


@dataclasses.dataclass(frozen=True)
class WeightsImporter:
    """Reads one family of published weights."""

    read: Callable[..., "ImportedWeights"]
    """(source, **settings) -> weights; settings only where the source does not tell, None: not given."""
    settings: tuple[str, ...] = ()
    """Names of such settings: `num_heads`."""
