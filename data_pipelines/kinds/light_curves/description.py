"""What is in a prepared dataset of light curves: classes, cadence, magnitudes, errors."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipelines.kinds.description import BLUE, Description, draw_histograms
from data_pipelines.kinds.light_curves.flux_counts import FluxCounts
from data_pipelines.kinds.light_curves.fluxes import FluxSeries
from data_pipelines.kinds.light_curves.meaning import brightness_of
from data_pipelines.kinds.light_curves.records import LIGHT_CURVES, flux_series, layout_of
from data_pipelines.shards.layout import Record
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.tfrecord import parse_example, read_records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTITIES = {
    "points": "points",
    "nights": "nights",
    "span": "span (d)",
    "point_step": "median point step (d)",
    "visit_gap": "median visit gap (d)",
    "longest_gap": "longest gap (d)",
    "magnitude": "median magnitude (mag)",
    "error": "median error (mag)",
    "scatter": "scatter (mag)",
    "scatter_over_error": "scatter / error",
}
FLUX_QUANTITIES = {
    "flux_points": "fluxes",
    "flux": "median flux",
    "flux_error": "median flux error",
    "signal_to_noise": "median flux / error",
}
"""Of datasets that hold fluxes besides: measured ones, limits not counted."""
_DRAWN = ("points", "span", "visit_gap", "longest_gap", "magnitude", "error")


def light_curve_statistics(time: np.ndarray, magnitude: np.ndarray, error: np.ndarray) -> dict[str, float]:
    """The quantities of `QUANTITIES` for one light curve; a visit is a group of points less than half a day apart."""
    step = np.diff(time)
    gaps = step[step > 0.5]
    scatter = float(np.std(magnitude, ddof=1)) if len(time) > 1 else 0.0
    typical = float(np.median(error)) if len(error) else np.nan
    return {
        "points": len(time),
        "nights": len(gaps) + 1,
        "span": float(time[-1] - time[0]) if len(time) else 0.0,
        "point_step": float(np.median(step)) if len(step) else np.nan,
        "visit_gap": float(np.median(gaps)) if len(gaps) else np.nan,
        "longest_gap": float(step.max()) if len(step) else np.nan,
        "magnitude": float(np.median(magnitude)) if len(magnitude) else np.nan,
        "error": typical,
        "scatter": scatter,
        "scatter_over_error": scatter / typical if typical > 0 else np.nan,
    }


def flux_statistics(fluxes: FluxSeries) -> dict[str, float]:
    """The quantities of `FLUX_QUANTITIES` for one light curve."""
    flux, error = (np.asarray(x, np.float64)[fluxes.measured] for x in (fluxes.flux, fluxes.flux_error))
    middle = lambda values: float(np.median(values)) if len(values) else np.nan
    return {
        "flux_points": len(flux),
        "flux": middle(flux),
        "flux_error": middle(error),
        "signal_to_noise": middle(flux / error),
    }


def describe_light_curves(manifest: Manifest, n_examples: int = 6) -> Description:
    """Reads every record of a dataset of light curves."""
    counts: dict[str, Counter[str]] = {}
    rows: list[dict[str, float]] = []
    examples: list[Record] = []
    shown: set[str] = set()
    brightness = brightness_of(manifest)
    layout, fluxes = layout_of(brightness), FluxCounts()
    for shard in manifest.shards:
        of_split = counts.setdefault(shard.split, Counter())
        for _, payload, _ in read_records(shard.path):
            features = parse_example(payload)
            record = layout.decode(features, manifest.class_names)
            label = record["label"] or ""
            of_split[label] += 1
            time, magnitude, error = (record[name].astype(np.float64) for name in LIGHT_CURVES.series)
            rows.append(light_curve_statistics(time, magnitude, error))
            if brightness.has_fluxes:
                series = flux_series(features, brightness)
                fluxes.add(series, len(time), brightness.min_points)
                rows[-1] |= flux_statistics(series)
            if len(examples) < n_examples and (label not in shown or len(shown) >= len(manifest.class_names)):
                shown.add(label)
                examples.append(record)
    quantities = QUANTITIES | (FLUX_QUANTITIES if brightness.has_fluxes else {})
    values = {key: np.array([row[key] for row in rows]) for key in quantities}
    sizes = {"light_curves": len(rows), "points": int(values["points"].sum())}
    facts = dict(manifest.facts)
    if brightness.has_fluxes:
        sizes |= {"fluxes": fluxes.points}
        facts |= fluxes.rows()
    figures = {
        "cadence": lambda plt: _draw_cadence(plt, values, manifest.name),
        "error_against_magnitude": lambda plt: _draw_errors(plt, values["magnitude"], values["error"]),
        "examples": lambda plt: _draw_examples(plt, examples),
    }
    of_splits = {split: dict(count) for split, count in counts.items()}
    return Description(manifest, "light curves", sizes, of_splits, values, quantities, facts, figures)


def _draw_cadence(plt: Any, values: dict[str, np.ndarray], name: str) -> "Figure":
    figure = draw_histograms(plt, values, {key: QUANTITIES[key] for key in _DRAWN}, "light curves")
    figure.suptitle(f"{name}: cadence and photometry")
    return figure


def _draw_errors(plt: Any, magnitude: np.ndarray, error: np.ndarray) -> "Figure":
    figure, axis = plt.subplots(figsize=(5.5, 4))
    axis.scatter(magnitude, error, s=4, alpha=0.3, color=BLUE, linewidths=0)
    axis.set(xlabel="median magnitude (mag)", ylabel="median error (mag)", yscale="log")
    return figure


def _draw_examples(plt: Any, examples: list[Record]) -> "Figure":
    count = max(len(examples), 1)
    figure, axes = plt.subplots(count, 1, figsize=(8, 1.7 * count), squeeze=False)
    style = {"fmt": ".", "color": BLUE, "ecolor": "#b9c7dc", "ms": 3, "lw": 0.8}
    for axis, record in zip(axes[:, 0], examples, strict=False):
        if "flux" in record:
            _draw_fluxes(axis, record, style)
        else:
            axis.errorbar(*(record[name] for name in LIGHT_CURVES.series), **style)
            axis.invert_yaxis()
            axis.set_ylabel("mag")
        axis.set_title(f"{record['object_id']}  {record['label'] or ''}", fontsize=9, loc="left")
    axes[-1, 0].set_xlabel("days from the middle of the light curve")
    return figure


def _draw_fluxes(axis: Any, record: Record, style: dict[str, Any]) -> None:
    """Fluxes of any sign, and limits as triangles."""
    limits = record["flux_limit"] > 0
    axis.errorbar(*(record[name][~limits] for name in ("flux_time", "flux", "flux_error")), **style)
    axis.plot(record["flux_time"][limits], record["flux_limit"][limits], "v", color="#b9c7dc", ms=3)
    axis.axhline(0, color="#b9c7dc", lw=0.6)
    axis.set_ylabel("flux")
