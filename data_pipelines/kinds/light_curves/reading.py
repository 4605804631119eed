"""Clean light curves from whatever a user points at: survey files, tables, prepared shards. No TensorFlow."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_pipelines.kinds.light_curves.cleaning import (
    CleaningReport,
    CleaningSettings,
    CleanLightCurve,
    clean,
)
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.flux_cleaning import clean_with_fluxes
from data_pipelines.kinds.light_curves.fluxes import MAGNITUDE, fluxes_of_magnitudes
from data_pipelines.kinds.light_curves.loss import check_loss
from data_pipelines.kinds.light_curves.meaning import DatasetBrightness, brightness_of
from data_pipelines.kinds.light_curves.records import LIGHT_CURVES, flux_series
from data_pipelines.kinds.reading import Reader, Request
from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.records import holds_shards, shard_records
from data_pipelines.sources import RawLightCurve, read_light_curves
from data_pipelines.sources.folders import check_there
from data_pipelines.sources.whole_stars import together
from lcjax.errors import DataError, Rejection


class LightCurveReader(Reader):
    """Light curves in input order (a star in parts: where its last part is), cleaned or set aside; shards are read as they are: train, validation, test."""

    def __init__(self, request: Request) -> None:
        """Reads nothing yet; `options` of the request are `columns` and `cleaning`.

        A model of fluxes `takes` `{"brightness": "flux", "zero_point": Z}`: light curves then have `fluxes`, in the zero point Z (None:
        as they are), made of magnitudes where there are no others. One that takes `{"bands_together": True}` is given the light
        curves of a star as a tuple, those that were not set aside; `{"bands": names}`: those in these bands. With `{"brightness":
        "as measured"}` light curves have `fluxes`, without upper limits, where fluxes were measured, and magnitudes alone elsewhere.
        """
        self._bands: tuple[str, ...] = tuple(request.takes.get("bands", ()))
        self._left_out: Counter[str] = Counter()
        self._together: bool = request.takes.get("bands_together", False)
        brightness = request.takes.get("brightness", "magnitude")
        self._fluxes = brightness in ("flux", "as measured")
        self._as_measured = brightness == "as measured"
        self._zero_point: float | None = request.takes.get("zero_point")
        self._columns: ColumnNames = request.options.get("columns") or ColumnNames()
        self._cleaning: CleaningSettings = request.options.get("cleaning") or CleaningSettings()
        self._say = request.say
        self._said: set[str] = set()
        self.report = CleaningReport()

    def items(self, inputs: Sequence[str]) -> Iterator[CleanLightCurve | tuple[CleanLightCurve, ...] | Rejection]:
        """Clean light curves and rejections.

        Raises:
          DataError: none is in a band that is asked for.
        """
        found = False
        for source in self._sources(inputs):
            source = self._in_bands(source)
            for item in _by_star(source) if self._together else source:
                found |= not isinstance(item, Rejection)
                yield item
        if self._left_out and not found:
            raise DataError(
                f"no light curve is in band {' or '.join(self._bands)}: there are {', '.join(sorted(self._left_out))}"
            )

    def _in_bands(self, items: Iterable[CleanLightCurve | Rejection]) -> Iterator[CleanLightCurve | Rejection]:
        """What is in the bands that are asked for; the others are counted."""
        for item in items:
            if self._bands and not isinstance(item, Rejection) and item.band not in self._bands:
                self._left_out[item.band or "(unnamed)"] += 1
            else:
                yield item

    def _sources(self, inputs: Sequence[str]) -> Iterator[Iterator[CleanLightCurve | Rejection]]:
        """What is in each dataset, and in all tables that follow each other."""
        paths = [Path(name) for name in inputs]
        for path in paths:
            check_there(path)
        for shards, group in itertools.groupby(paths, holds_shards):
            if shards:
                for folder in find_datasets(list(group)):
                    yield self._dataset(read_manifest(folder))
                continue
            # Together, so that one unreadable file among several is set aside and the rest goes on.
            found = read_light_curves(
                list(group),
                self._columns,
                on_columns=self._on_columns,
                on_bad_file=self._on_bad_file,
                bands_together=self._together,
            )
            yield self._cleaned(found)

    def _dataset(self, manifest: Manifest) -> Iterator[CleanLightCurve | Rejection]:
        magnitudes = self._as_measured and brightness_of(manifest).kind == MAGNITUDE
        items = _shards(manifest, self.report, self._fluxes and not magnitudes)
        if self._together:
            splits = dict.fromkeys(shard.split for shard in manifest.shards)
            names = (name for split in splits for name in manifest.index(split).object_ids().tolist())
            items = together(items, {number: n for number, n in Counter(map(hash, names)).items() if n > 1})
        for item in items:
            yield self._finished(item, str(manifest.folder))

    def _cleaned(self, found: Iterable[RawLightCurve]) -> Iterator[CleanLightCurve | Rejection]:
        for raw in found:
            of_magnitudes = self._as_measured and (raw.fluxes is None or raw.fluxes.kind == MAGNITUDE)
            cleaned = clean_with_fluxes if self._fluxes and not of_magnitudes else clean
            item = self._finished(cleaned(raw, self._cleaning, self.report), raw.origin)
            if self._together and raw.band and isinstance(item, Rejection):
                item = replace(item, reason=_of_band(item.reason, raw.band))
            yield item

    def _finished(self, item: CleanLightCurve | Rejection, origin: str) -> CleanLightCurve | Rejection:
        """With fluxes of the zero point that is wanted, where fluxes are."""
        if not self._fluxes or isinstance(item, Rejection):
            return item
        fluxes = item.fluxes
        if self._as_measured:
            return self._measured(item)
        if fluxes is None:
            fluxes = fluxes_of_magnitudes(item.mjd, item.magnitude, item.magnitude_error)
        if self._zero_point is None:
            return replace(item, fluxes=fluxes)
        if np.isnan(fluxes.zero_point):
            reason = f"fluxes without a zero point: the model takes fluxes of {self._zero_point:g}"
            self.report.set_aside(Rejection(item.object_id, reason, origin), len(fluxes))
            return self.report.rejected[-1]
        return replace(item, fluxes=fluxes.scaled(self._zero_point, ""))

    def _measured(self, item: CleanLightCurve) -> CleanLightCurve:
        """Without fluxes where those are of magnitudes, and without limits where they are not."""
        fluxes = item.fluxes
        if fluxes is None or fluxes.kind == MAGNITUDE:
            return replace(item, fluxes=None)
        measured = fluxes.measured
        if limits := len(fluxes) - int(np.count_nonzero(measured)):
            self.report.notes["upper limits among fluxes left out"] += limits
            fluxes = fluxes.take(measured)
        return replace(item, fluxes=fluxes)

    def check(self) -> None:
        """Raises DataError where more was lost than `--cleaning.max-loss` allows."""
        check_loss(self.report, self._cleaning)

    def _on_columns(self, found: dict[str, str]) -> None:
        self.report.add_columns(found)
        text = "columns: " + ", ".join(f"{field} = {column}" for field, column in found.items())
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def _on_bad_file(self, path: Path, reason: str) -> None:
        self.report.bad_files[str(path)] = reason
        self._say(f"set aside '{path}': {reason}")

    def sentences(self) -> list[str]:
        """Points dropped, times mended, files set aside."""
        report = self.report
        counted = lambda counts: ", ".join(f"{n:,} {what}" for what, n in counts.items())
        said = []
        if self._left_out:
            said.append(f"light curves in other bands left out: {counted(self._left_out)}")
        if report.points_dropped:
            said.append(f"points dropped: {counted(report.points_dropped)}")
        if report.notes:
            said.append(f"mended: {counted(report.notes)}")
        if report.bad_files:
            said.append(f"files set aside: {len(report.bad_files):,} ({', '.join(report.bad_files)})")
        return said


def _of_band(reason: str, band: str) -> str:
    """What is wrong with one band of a star; the beginning, by which faults are counted, stays.

    >>> _of_band("fewer than 5 points: 3", "u"), _of_band("no object id", "u")
    ('fewer than 5 points: 3 in band u', 'no object id: in band u')
    """
    return f"{reason} in band {band}" if ":" in reason else f"{reason}: in band {band}"


def _by_star(
    items: Iterable[CleanLightCurve | Rejection],
) -> Iterator[tuple[CleanLightCurve, ...] | Rejection]:
    """Light curves of one id that follow each other; what is set aside between them is passed on at once."""
    held: tuple[CleanLightCurve, ...] = ()
    for item in items:
        if isinstance(item, Rejection):
            yield item
        elif held and item.object_id and item.object_id == held[0].object_id:
            held += (item,)
        else:
            if held:
                yield held
            held = (item,)
    if held:
        yield held


def _shards(manifest: Manifest, report: CleaningReport, fluxes: bool) -> Iterator[CleanLightCurve | Rejection]:
    """Records as they are; those with too few magnitudes are rejected unless fluxes are wanted."""
    if manifest.kind != LIGHT_CURVES.kind:
        raise DataError(
            f"'{manifest.folder}' holds {manifest.kind.replace('_', ' ')}, and this model reads light curves"
        )
    brightness = brightness_of(manifest)
    found = shard_records(manifest, lambda features: _light_curve(features, manifest.class_names, brightness))
    for number, curve in enumerate(found):
        report.points_read += len(curve.mjd)
        if curve.fluxes is not None and fluxes:
            report.points_read += len(curve.fluxes) - len(curve.mjd)
            report.points_kept += len(curve.fluxes)
            report.curves_kept += 1
            yield curve
            continue
        if curve.fluxes is not None:
            lost = curve.fluxes.without_magnitude(len(curve.mjd))
            report.points_read += lost.total()
            report.points_dropped.update(lost)
            if len(curve.mjd) < brightness.min_points:
                report.points_dropped["of rejected objects"] += len(curve.mjd)
                why = f" ({', '.join(f'{n} {reason}' for reason, n in lost.items())})" if lost else ""
                reason = f"fewer than {brightness.min_points} points: {len(curve.mjd)}{why}"
                report.rejected.append(Rejection(curve.object_id, reason, f"{manifest.folder} record {number}"))
                yield report.rejected[-1]
                continue
        report.points_kept += len(curve.mjd)
        report.curves_kept += 1
        yield curve


def _light_curve(features: dict, class_names: tuple[str, ...], brightness: DatasetBrightness) -> CleanLightCurve:
    series = {name: np.frombuffer(features[name], "<f4") for name in ("time", "magnitude", "magnitude_error")}
    reference = np.frombuffer(features["reference_mjd"], "<f8").item()
    label = int(features["label"])
    return CleanLightCurve(
        bytes(features["object_id"]).decode(),
        bytes(features["band"]).decode(),
        series["time"].astype(np.float64) + reference,
        series["magnitude"],
        series["magnitude_error"],
        class_names[label] if 0 <= label < len(class_names) else None,
        {},
        fluxes=flux_series(features, brightness) if brightness.has_fluxes else None,
    )
