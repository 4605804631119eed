"""What can be said about files of images: where pixels, classes and target numbers are, and what they mean."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lcjax.errors import ConfigError

NOTHING = "none"
"""In place of a name: there is none, whatever the file holds."""
FOLDER = "folder"
"""In place of a column of classes: the folder that a file lies in names its class."""
NUMBERS = "numbers"
"""In place of names of classes: the numbers are the names, as of digits."""

HEADER = "header"
"""In place of a name of a channel: the band that the header of a FITS file says (FILTER, FILTER1, FILTER2, BAND)."""


@dataclass(frozen=True)
class ImageSettings:
    """Images: which arrays or columns are what. What is not said is recognised where it can mean one thing only."""

    image: tuple[str, ...] = ()
    """Array of an .npz, column of a table or extension of a FITS file with the pixels; several become channels in this order."""
    label: str | None = None
    """Array or column of the classes; `folder`: the folder of a file names its class; `none`: unlabelled."""
    classes: tuple[str, ...] = ()
    """Names of classes that are given as the numbers 0, 1, ..., in this order; `numbers`: the numbers are the names (digits)."""
    unlabelled: str | None = None
    """Value of `label` that stands for no class, such as -1."""
    object_id: str | None = None
    """Array or column of the names of objects; without one, the file and the row name them."""
    targets: tuple[str, ...] = ()
    """Columns with numbers to be learned (vote fractions, redshifts), or one array (images, numbers) with --images.target-names."""
    target_names: tuple[str, ...] = ()
    """Names of the numbers of an array of targets."""
    ra: str | None = None
    """Array or column of right ascensions, degrees."""
    dec: str | None = None
    """Array or column of declinations, degrees."""
    table: Path | None = None
    """CSV, Parquet or FITS table with `object_id`, `label`, `targets` of images that lie in other files; an image file is named by
    its name with or without its ending."""
    survey: str = ""
    """That the images are of."""
    survey_column: str | None = None
    """Array or column that says which survey an image is of: only those of --images.survey are taken."""
    channels: Literal["first", "last"] | None = None
    """Axis of the channels, where the shape leaves it open."""
    channel_names: tuple[str, ...] = ()
    """Of several channels, in order: template science difference, or g r z; `header`: of one channel, the band that each FITS header says."""
    size: int | None = None
    """Side in pixels of the square that is cut from the middle; None: images stay as they are."""
    pixel_scale: float | None = None
    """Arcsec."""

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ConfigError(f"--images.size is {self.size}: it must be at least 1")
        if self.pixel_scale is not None and not 0 < self.pixel_scale < float("inf"):
            raise ConfigError(f"--images.pixel-scale is {self.pixel_scale}: it must be a positive number of arcsec")
        if self.survey_column and not self.survey:
            raise ConfigError("--images.survey-column chooses among surveys: say which with --images.survey")
        for name in ("classes", "channel_names", "targets", "target_names", "image"):
            values = getattr(self, name)
            if twice := [v for v in values if values.count(v) > 1]:
                raise ConfigError(f"--images.{name.replace('_', '-')} has '{twice[0]}' twice: name each once")
        if slash := [v for v in (*self.targets, *self.target_names) if "/" in v or not v.strip()]:
            raise ConfigError(f"'{slash[0]}' cannot name a target: leave out '/' (--images.target-names renames)")
