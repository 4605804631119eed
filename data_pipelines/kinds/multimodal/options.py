"""What a user can say about objects of several modalities."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_pipelines.kinds.images.options import NOTHING, ImageSettings
from data_pipelines.sources.wavelengths import SpectrumReading


@dataclass(frozen=True)
class ImageOptions:
    """Images of the objects, one each of several channels: what the files leave open."""

    image: tuple[str, ...] = ()
    """Extensions of FITS files, or columns of a table, with the pixels; several become channels in this order."""
    channels: Literal["first", "last"] | None = None
    """Axis of the channels, where the shape leaves it open."""
    channel_names: tuple[str, ...] = ()
    """In order: template science difference, or g r z; files of other channels are then left out."""
    size: int | None = None
    """Side in pixels of the square that is cut from the middle; smaller images are left out. Default: images stay as they are, and all must
    be of one size."""

    def __post_init__(self) -> None:
        """Raises ConfigError where the values are impossible."""
        self.as_settings()

    def as_settings(self) -> ImageSettings:
        """The same as the readers of images take it."""
        return ImageSettings(
            self.image, NOTHING, channels=self.channels, channel_names=self.channel_names, size=self.size
        )


@dataclass(frozen=True)
class MultimodalOptions:
    """Light curves, spectra and catalogue columns of the same objects."""

    catalogue: Path | None = None
    """Table (CSV, Parquet, FITS) with one row an object; default: the only `catalogue.*` or table of --source."""
    id_column: str | None = None
    """Of the catalogue; default: `object_id`, `id`, `name`, `source_id` or `edr3_source_id`."""
    label_column: str | None = None
    """Its column of classes; default: `label`, `class` or `target`; an object without one is unlabelled."""
    spectrum_column: str | None = None
    """Its column of names of spectra, files or folders left out; default: `spectrum`, `spec_filename` or `file`, else the id."""
    stamps_column: str | None = None
    """Its column of names of stamps; default: `stamps_file` or `stamp_file`, else the id names the file."""
    host_column: str | None = None
    """Its column of names of host images; default: `host_file` or `host_image`, else the id."""
    columns: tuple[str, ...] = ()
    """Its columns of numbers that are kept; default: all that hold numbers."""
    band: str | None = None
    """Band of tables of photometry with a column `band`; default: the one with most points of each object."""
    simulated_images: bool = False
    """Of `simulated_multimodal`: alerts with stamps and host images instead of stars with spectra."""
    brightness: Literal["flux", "magnitude"] | None = None
    """Second of three columns in files of light curves that do not name them."""
    spectrum_grid: tuple[float, float, float] = (3850.0, 9000.0, 2.0)
    """Wavelengths to which spectra are interpolated, Angstrom: first, end, step."""
    wavelength_unit: Literal["angstrom", "nm", "micron"] | None = None
    """Of spectra whose files do not say; default: Angstrom, refused where all numbers are below 2,000."""
    wavelength_medium: Literal["vacuum", "air"] | None = None
    """Of spectra whose files do not say: those in air become vacuum; default: taken as they are."""
    third: Literal["ivar", "error"] | None = None
    """Third of three columns in text files of spectra that do not name them; errors become inverse variances, as LAMOST has them."""
    flagged: Literal["keep", "drop"] = "keep"
    """Samples of spectra with an inverse variance of 0 or a mask: kept as published, or left out and interpolated."""
    subset: Literal["full", "sub50", "sub25", "sub10"] = "full"
    """Part of every split, large classes capped, as the published subsets are; of the published dataset, which one."""
    published_seed: Literal[42, 0, 66, 12, 123] | None = None
    """Of the published dataset: which of the five splits."""

    @property
    def spectrum_reading(self) -> SpectrumReading:
        """What is said of spectra that do not say it themselves."""
        return SpectrumReading(self.wavelength_unit, self.wavelength_medium, self.third, self.flagged)
