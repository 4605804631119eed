"""Published weights of Astromer 1 and 2."""

from lcjax.systems.published_weights import Published

_GITHUB = "https://github.com/astromer-science/weights/raw/main"
_ZENODO = "https://zenodo.org/records/18207945/files"

PUBLISHED = (
    Published(
        name="astromer1-macho",
        family="astromer1",
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
        family="astromer2",
        description="Astromer 2 pretrained on MACHO light curves (3,953,409 parameters)",
        paper="Donoso-Oliva et al. 2026, A&A 707, A170",
        licence="not stated in the weights repository (authors' code: MIT)",
        urls=(f"{_GITHUB}/macho_a1.zip", f"{_ZENODO}/pt_macho_v2_2025.zip?download=1"),
    ),
)
