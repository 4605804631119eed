"""Published weights we know by name: where they are, what they are, and what is known about their integrity."""

import dataclasses

from lcjax.errors import WeightsError


@dataclasses.dataclass(frozen=True)
class Published:
    """One set of published weights."""

    name: str
    system: str
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


_GITHUB = "https://github.com/astromer-science/weights/raw/main"
_ZENODO = "https://zenodo.org/records/18207945/files"
_ALERCE_STAMPS = "stamp_classifier_step/model/results"
_ALERCE_STAMPS_23 = (
    "staging_model/DeepHits_EntropyRegBeta0.5000_batch64_lr0.00100_droprate0.5000_inputsize21_filtersize5_0_"
    "20200708-160759"
)


def _alerce(name: str, run: str, description: str, arrays_sha256: str | None = None) -> Published:
    """A TensorFlow 1 checkpoint beside the code of the broker's classifier; the pinned commit outlives moved files."""
    return Published(
        name=name,
        system="alerce-stamps",
        description=description,
        paper="Carrasco-Davis et al. 2021, AJ 162, 231",
        licence="not stated in the authors' repository",
        urls=tuple(
            f"https://github.com/alercebroker/pipeline/raw/{version}/{_ALERCE_STAMPS}/{run}/checkpoints"
            for version in ("main", "9a72806")
        ),
        files=("model.index", "model.data-00000-of-00001"),
        download_bytes=3_200_000,
        arrays_sha256=arrays_sha256,
    )


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
        _alerce(
            "alerce-stamps",
            "best_model_so_far",
            "ALeRCE stamp classifier, 26 features (261,049 parameters); its image branch is dead",
            arrays_sha256="73fb23ea5cf05298a09ba7477bb9040f0a4c9ca8b1bd108388416acd6a3ac11f",
        ),
        _alerce(
            "alerce-stamps-23", _ALERCE_STAMPS_23, "ALeRCE stamp classifier of July 2020, 23 features, 5x5 kernels"
        ),
        _alerce(
            "alerce-stamps-image",
            "best_model_new_bogus",
            "ALeRCE stamp classifier, images only (255,173 parameters)",
            arrays_sha256="bb51b08cde5f4393fcf6428cf0d1bc93a5680cc1df80e7a5c3ac5ca73cd8dfdc",
        ),
        _alerce(
            "alerce-stamps-image-regularized",
            "best_model_new_bogus_reg",
            "ALeRCE stamp classifier, images only, entropy regularised with beta 1 (255,173 parameters)",
            arrays_sha256="7bafe5457684ae186febca63349bb95e1b818b333c5ad0948e69262a0031899f",
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
