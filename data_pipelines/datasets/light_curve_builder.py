"""What every light-curve dataset shares: read, clean, split by object, write records.

A subclass gives a name, release notes, and how to read its source files. Two passes are made: the first cleans everything
and fills the report, the second writes each split; neither holds the photometry of more than one chunk in memory.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.datasets.star_splits import split_by_star
from data_pipelines.datasets.survey_builder import PrepareSettings, SurveyBuilder
from data_pipelines.kinds.light_curves.cleaning import HELD, CleaningReport, CleanLightCurve
from data_pipelines.kinds.light_curves.flux_cleaning import clean_with_fluxes, fewest_magnitudes
from data_pipelines.kinds.light_curves.fluxes import FluxSeries, fluxes_of_magnitudes
from data_pipelines.kinds.light_curves.loss import check_loss
from data_pipelines.kinds.light_curves.meaning import BrightnessFound
from data_pipelines.kinds.light_curves.records import encode_light_curve, layout_of, light_curve_features
from data_pipelines.kinds.light_curves.simulation_settings import SimulationSettings
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.stars import write_stars
from data_pipelines.sources import RawLightCurve, read_light_curves
from lcjax.errors import ConfigError, DataError


class LightCurveBuilder(SurveyBuilder):
    """Base of the light-curve builders; `Builder(settings=PrepareSettings(...), data_dir=...)`."""

    kind = "light_curves"
    report: CleaningReport
    band = ""
    """Of files that do not say."""
    place_arcsec = 2.0
    """Within which the survey's places of one star lie, unless --stars.arcsec says."""
    simulates = False
    """Whether it understands --simulation."""
    suffixes: tuple[str, ...] = ()
    """Endings of the survey's files, for folders that hold others too; none: every known format."""

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """Runs the first pass, so that classes and splits are known."""
        self.start(settings)
        if not self.simulates and self.settings.options["simulation"] != SimulationSettings():
            raise ConfigError(
                f"dataset '{self.name}' is made of survey files and has no use for --simulation: leave it away, or prepare 'simulated'"
            )
        self.report = CleaningReport()
        self._labels: dict[str, str | None] = {}
        self._metadata: dict[str, None] = {}
        self._places: dict[str, tuple[float, float]] = {}
        self._first_pass()
        self.class_names = sorted({label for label in self._labels.values() if label})
        self.split_of = self._splits()
        super().__init__(**kwargs)

    def read(self) -> Iterator[RawLightCurve]:
        """The raw light curves of the source files."""
        if not self.settings.sources:
            raise DataError(f"dataset '{self.name}' needs its survey files: give them with --source")
        return read_light_curves(
            self.settings.sources,
            self.settings.options["columns"],
            suffixes=self.suffixes,
            on_other=lambda path: self.report.other_files.__setitem__(str(path), None),
            on_columns=self.report.add_columns,
            on_bad_file=lambda path, reason: self.report.bad_files.__setitem__(str(path), reason),
            on_labels=lambda labels: setattr(self.report, "labels_of_none", labels.unused()),
        )

    def _read_with_band(self) -> Iterator[RawLightCurve]:
        for raw in self.read():
            yield raw if raw.band or not self.band else replace(raw, band=self.band)

    def _first_pass(self) -> None:
        found = BrightnessFound()
        for curve in self._clean_curves(self.report, found):
            self._learn_label(curve)
            if "ra" in curve.metadata and "dec" in curve.metadata:
                self._places.setdefault(curve.object_id, (curve.metadata["ra"], curve.metadata["dec"]))
            self._metadata |= dict.fromkeys(curve.metadata)
        if not self._labels:
            reasons = {r.reason for r in self.report.rejected}
            detail = f"; the first reason: {self.report.rejected[0].reason}" if reasons else ""
            raise DataError(
                f"dataset '{self.name}' has no usable light curve: {len(self.report.rejected)} rejected{detail}"
            )
        check_loss(self.report, self.settings.options["cleaning"])
        self.brightness = found.result(fewest_magnitudes(self.settings.options["cleaning"]))
        if self.brightness.has_fluxes:
            self.report.columns[HELD] = self.brightness.said

    @property
    def layout(self) -> RecordLayout:
        """With fluxes, where the brightness is more than magnitudes."""
        return layout_of(self.brightness)

    def meaning(self) -> dict[str, Any]:
        """Brightness and time scale."""
        counts = self.report.fluxes.as_dict() if self.report.fluxes is not None else None
        return self.brightness.as_meaning(self.report.time_scale, counts)

    def _splits(self) -> dict[str, str]:
        """Splits by star: ids at one place are in one, as are stars of the datasets of --stars.like with those there."""
        asked, assign = self.settings.options["stars"], self.settings.assign_by_fractions
        found = split_by_star(self._labels, self._places, asked, self.place_arcsec, assign)
        self.report.splits, self.stars = found.counts, found.stars
        return found.split_of

    def write_beside(self, folder: Path) -> None:
        """The stars, with places and splits."""
        write_stars(folder, self.stars)

    def _learn_label(self, curve: CleanLightCurve) -> None:
        """A star has the class that its bands, its parts and the tables of labels agree on, or none."""
        name, known = curve.object_id, self.report.label_conflicts
        before = known.get(name) or tuple(filter(None, [self._labels.get(name)]))
        classes = tuple(dict.fromkeys([*before, *(curve.labels or filter(None, [curve.label]))]))
        if len(classes) > 1:
            known[name] = classes
        self._labels[name] = classes[0] if len(classes) == 1 else None

    def _clean_curves(self, report: CleaningReport, found: BrightnessFound) -> Iterator[CleanLightCurve]:
        for raw in self._read_with_band():
            curve = clean_with_fluxes(raw, self.settings.options["cleaning"], report)
            if isinstance(curve, CleanLightCurve):
                found.add(curve.fluxes, raw.origin)
                yield curve

    def _features(self) -> tfds.features.FeaturesDict:
        return light_curve_features(self.class_names, tuple(self._metadata), self.brightness.has_fluxes)

    def _fluxes(self, curve: CleanLightCurve) -> FluxSeries | None:
        """In the zero point of the dataset; of magnitudes, where other stars have fluxes."""
        if not self.brightness.has_fluxes:
            return None
        fluxes = curve.fluxes
        if fluxes is None:
            fluxes = fluxes_of_magnitudes(curve.mjd, curve.magnitude, curve.magnitude_error)
        return fluxes.scaled(self.brightness.zero_point, self.brightness.unit)

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        index = {name: i for i, name in enumerate(self.class_names)}
        for raw in self._read_with_band():
            if self.split_of.get(raw.object_id) != split:
                continue
            curve = clean_with_fluxes(raw, self.settings.options["cleaning"])
            if not isinstance(curve, CleanLightCurve):
                continue
            label = self._labels[curve.object_id]
            metadata = {name: curve.metadata.get(name, float("nan")) for name in self._metadata}
            yield (
                f"{curve.object_id}\t{curve.band}",
                encode_light_curve(
                    curve.object_id,
                    curve.mjd,
                    curve.magnitude,
                    curve.magnitude_error,
                    curve.band,
                    index[label] if label else -1,
                    metadata or None,
                    fluxes=self._fluxes(curve),
                ),
            )
