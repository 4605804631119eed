"""Images of a catalogue's objects: a FITS, PNG, JPEG or .npy file each, or tables and arrays of many with their ids."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_pipelines.kinds.images.arrays import load_arrays, read_arrays
from data_pipelines.kinds.images.channels import as_channels_last, names_of_channels
from data_pipelines.kinds.images.pictures import FITS, PICTURES, read_fits, read_picture
from data_pipelines.kinds.images.records import RawImage
from data_pipelines.kinds.images.tables import read_rows
from data_pipelines.kinds.multimodal.catalogue import id_of
from data_pipelines.kinds.multimodal.file_names import NearNames, folder_of
from data_pipelines.kinds.multimodal.images import ObjectImage, object_image
from data_pipelines.kinds.multimodal.options import ImageOptions
from data_pipelines.kinds.multimodal.photometry_files import FOLDERS as CURVES
from data_pipelines.kinds.multimodal.spectra_files import FOLDERS as SPECTRA
from lcjax.errors import ConfigError, DataError, Rejection

FOLDERS = {"stamps": ("stamps", "cutouts"), "host": ("host", "hosts", "host_images")}
"""Modality -> folders whose files are its images; tables and arrays of many are called like a folder, `stamps.npz` or `hosts.parquet`."""
SINGLE = (*PICTURES, *FITS, ".npy")
MANY = (".npz", ".parquet")
ALERTS = ("alerts", "packets")
"""Folders of packets."""
_EVERY = {*CURVES, *SPECTRA, *ALERTS, *(name for own in FOLDERS.values() for name in own)}
_TABLES = ("catalogue", "catalog", "metadata", "photometry", "spectra")
_WORDS = {"stamps": "stamps", "host": "host images"}


def group_of(modality: str) -> str:
    """Option group of its images.

    >>> group_of("stamps"), group_of("host")
    ('stamp_images', 'host_images')
    """
    return f"{modality.removesuffix('s')}_images"


def called(name: str) -> str:
    """What a file of images is called: its name without folders and its ending.

    >>> called("a/J1234.5+6.fits.gz"), called("b.fits.fz"), called("J1234.5")
    ('J1234.5+6', 'b', 'J1234.5')
    """
    bare = Path(name).name
    ending = max((end for end in (*SINGLE, *MANY) if bare.lower().endswith(end)), key=len, default="")
    return bare[: len(bare) - len(ending)]


def is_packet(file: Path) -> bool:
    """Whether a file lies among the alerts, and is no table of something else."""
    return folder_of(file, _EVERY) in ALERTS and not file.name.lower().startswith(_TABLES)


class ImageFiles:
    """Finds the image of an object, of one modality."""

    def __init__(self, modality: str, files: Sequence[Path], catalogue: Path, options: ImageOptions) -> None:
        """Looks what there is and reads tables and arrays of many; single files are read when they are asked for.

        Raises:
          ConfigError: two files for one object, or what a file leaves open. DataError: a table that cannot be read.
        """
        self._option = f"--{group_of(modality).replace('_', '-')}"
        self._settings, self._size, self.words = options.as_settings(), options.size, _WORDS[modality]
        self.used: set[Path] = set()
        self.faults: list[Rejection] = []
        """Rows of tables that are not used."""
        own = FOLDERS[modality]
        self._files: dict[str, Path] = {}
        for file in files:
            if file == catalogue or folder_of(file, _EVERY) not in own or not file.name.lower().endswith(SINGLE):
                continue
            if (other := self._files.setdefault(called(file.name), file)) != file:
                raise ConfigError(f"'{other}' and '{file}' could both be the {self.words} of one object: leave one out")
        self._rows: dict[str, list[RawImage]] = {}
        for file in files:
            if called(file.name).lower() in own and file.name.lower().endswith(MANY):
                self._read_many(file)
        self._near: NearNames | None = None

    @property
    def any(self) -> bool:
        """Whether there are images at all."""
        return bool(self._files or self._rows)

    def expect(self, ids: Sequence[str], names: Sequence[str]) -> None:
        """Says which objects there are and which files the catalogue names.

        Raises:
          DataError: no image is of any of them.
        """
        known = {*ids, *map(called, filter(None, names))}
        rows = {name: Path(found[0].origin) for name, found in self._rows.items()}
        self._near = NearNames({**rows, **self._files}, known, self.words)

    def of(self, name: str, object_id: str) -> ObjectImage | None:
        """The image that the catalogue names, else that called like the object; None where there is none.

        Raises:
          DataError: it is named and not there, there are several, or it cannot be used. ConfigError: what its file leaves open.
        """
        path = self._files.get(called(name) if name else object_id)
        rows = [] if name else self._rows.get(object_id, [])
        if len(rows) + (path is not None) > 1:
            places = ", ".join([row.origin for row in rows[:3]] + ([str(path)] if path else []))
            raise DataError(f"it has several ({places}): leave one")
        if rows:
            return object_image(rows[0].pixels, rows[0].channel_names, self._size)
        if path is None:
            if name:
                raise DataError(f"there is no file '{name}'")
            if self._near is not None:
                self._near.check(object_id)
            return None
        self.used.add(path)
        return object_image(*self._single(path), self._size)

    def _single(self, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        """Pixels (H, W, C) and names of the channels of one file."""
        where, lower = f"'{path}'", path.name.lower()
        asked = self._settings.channel_names
        try:
            if lower.endswith(PICTURES):
                pixels, usual = read_picture(path)
            elif lower.endswith(".npy"):
                pixels, usual = np.array(load_arrays(path)["pixels"]), ()
                if pixels.dtype.kind not in "buif":
                    raise DataError(f"{where} holds {pixels.dtype}, which are no pixels")
            else:
                pixels, usual = read_fits(path, self._settings.image)
            pixels = pixels if usual else as_channels_last(pixels, self._settings, where)
            if asked and len(asked) != pixels.shape[-1]:
                raise DataError(
                    f"an image of {pixels.shape[-1]} channels, and {self._option}.channel-names names {len(asked)}"
                )
            return pixels, names_of_channels(pixels.shape[-1], self._settings, where, usual)
        except ConfigError as error:
            raise self._reworded(error) from error

    def _read_many(self, path: Path) -> None:
        said: dict[str, str] = {}
        read = read_arrays if path.name.lower().endswith(".npz") else read_rows
        try:
            for found in read(path, self._settings, said):
                if isinstance(found, Rejection):
                    self.faults.append(
                        Rejection(found.object_id, f"{self.words} left out: {found.reason}", found.origin, partial=True)
                    )
                else:
                    self._rows.setdefault(id_of(found.object_id), []).append(found)
        except ConfigError as error:
            raise self._reworded(error) from error
        if said.get("objects") == "file and row":
            raise ConfigError(f"'{path}' holds {self.words} without ids: add an array or column object_id")
        self.used.add(path)

    def _reworded(self, error: ConfigError) -> ConfigError:
        """What readers of images say, with the options of these."""
        return ConfigError(str(error).replace("--images.", f"{self._option}."))
