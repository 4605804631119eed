"""Fields of transients from FITS images and from the stamps of alerts, in order."""

import csv
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.alerts.reading import REJECTION_COLUMNS
from data_pipelines.kinds.host_fields.images import FITS_ENDINGS, FieldImage, centred, object_names, read_fields
from data_pipelines.kinds.host_fields.options import HostOptions
from data_pipelines.kinds.reading import Reader, Request
from data_pipelines.sources.alerts import Alert, SchemaSet, Stamp, cut_alerts
from data_pipelines.sources.alerts.decoders import Decoders
from data_pipelines.sources.csv_tables import named_rows
from lcjax.errors import ConfigError, DataError, Rejection


class FieldReader(Reader):
    """Fields of FITS images (files, or folders that hold any) and alerts of everything else."""

    rejection_columns = REJECTION_COLUMNS

    def __init__(self, request: Request) -> None:
        """Reads the positions, if there are any."""
        self._options: HostOptions = request.options.get("hosts") or HostOptions()
        alerts: AlertOptions = request.options.get("alerts") or AlertOptions()
        self._positions = read_positions(self._options.positions) if self._options.positions else None
        rules = alerts.rules((self._options.stamp,))
        self._decoders = Decoders(request.processes, rules, SchemaSet(alerts.schemas))

    def items(self, inputs: Sequence[str]) -> Iterator[FieldImage | Rejection]:
        """Fields and rejections."""
        images = [path for path in map(Path, inputs) if _holds_images(path)]
        self._check_names(images)
        for path in map(Path, inputs):
            if path in images:
                yield from read_fields([path], self._positions, self._options.pixel_scale)
            else:
                yield from self.decoded(cut_alerts(path, self._decoders.rules))

    def decoded(self, messages: Iterable[Any]) -> Iterator[FieldImage | Rejection]:
        """The fields of alerts."""
        for found in self._decoders.map(messages):
            yield found if isinstance(found, Rejection) else field_of(found, found.stamps[self._options.stamp])

    def _check_names(self, images: Sequence[Path]) -> None:
        positions: Mapping[str, Any] = self._positions or {}
        if positions and not positions.keys() & (names := object_names(images)):
            raise ConfigError(
                f"the positions are of '{next(iter(positions))}' and the like, the images of "
                f"'{min(names, default='no object')}' and the like: name objects as the image files, without .fits"
            )


def field_of(alert: Alert, stamp: Stamp) -> FieldImage:
    """The field of a stamp; the alert is where its position falls by the stamp's world coordinates, else in the middle."""
    field = dataclasses.replace(
        centred(stamp.pixels, stamp.pixel_scale, alert.object_id, alert.origin), alert_id=alert.alert_id
    )
    if stamp.world is None or not math.isfinite(alert.ra + alert.dec):
        return field
    x, y = stamp.world.world_to_pixel_values(alert.ra, alert.dec)
    return dataclasses.replace(field, x=x, y=y, wcs=stamp.world)


def _holds_images(path: Path) -> bool:
    names = [p.name for p in path.iterdir()] if path.is_dir() else [path.name]
    return any(name.lower().endswith(FITS_ENDINGS) for name in names)


def read_positions(path: Path) -> dict[str, tuple[float, float]]:
    """Object -> (ra, dec) degrees, from a CSV file with columns object_id, ra, dec.

    Raises:
      DataError: a column is missing or there twice, a value is no position, or an object has several. ConfigError: there is no such file.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            columns, rows = named_rows(path, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the positions '{path}' cannot be read: {error}") from error
    if missing := [name for name in ("object_id", "ra", "dec") if name not in columns]:
        raise DataError(
            f"'{path}' has the columns {columns} and lacks {', '.join(missing)}: it needs object_id, ra, dec"
        )
    if twice := [name for name in ("object_id", "ra", "dec") if columns.count(name) > 1]:
        raise DataError(f"'{path}' has {columns.count(twice[0])} columns called '{twice[0]}': drop all but one")
    found: dict[str, tuple[float, float]] = {}
    for number, row in rows:
        try:
            ra, dec = float(row["ra"]), float(row["dec"])
        except (TypeError, ValueError):
            ra = dec = math.nan
        if not (-360 <= ra <= 360 and -90 <= dec <= 90):
            raise DataError(
                f"line {number} of '{path}' has no ra and dec in degrees: {row['ra']!r:.40}, {row['dec']!r:.40}"
            )
        if found.setdefault(row["object_id"], (ra, dec)) != (ra, dec):
            raise DataError(
                f"line {number} of '{path}' has another position of '{row['object_id']}' than a line before"
            )
    return found
