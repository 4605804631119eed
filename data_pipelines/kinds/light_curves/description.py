"""What is in a prepared dataset as numbers and pictures: classes; cadence, magnitudes, errors; stamps and metadata."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.alerts.records import StampIndex
from data_pipelines.kinds.light_curves.records import ARRAYS
from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.tfrecord import parse_example, read_records

QUANTILES = (5, 25, 50, 75, 95)
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


@dataclass(frozen=True)
class Description:
    """Numbers of one dataset."""

    manifest: Manifest
    counts: dict[str, dict[str, int]]
    """split -> class name ('' unlabelled) -> light curves."""
    quantiles: dict[str, list[float]]
    """quantity -> its 5, 25, 50, 75, 95 % over records."""
    values: dict[str, np.ndarray]
    """quantity -> one value a record."""
    examples: list[dict[str, Any]]
    quantities: dict[str, str] = field(default_factory=lambda: QUANTITIES)
    """quantity -> its name and unit."""
    facts: dict[str, str] = field(default_factory=dict)
    """What is counted or ranges over all records, in words; alerts only, like the next."""
    sky: dict[str, np.ndarray] = field(default_factory=dict)
    """`ra`, `dec` degrees and `label`, one a record."""

    def sizes(self) -> dict[str, int]:
        """How much there is: light curves and points, or alerts."""
        if "points" not in self.values:
            return {"alerts": len(next(iter(self.values.values())))}
        return {"light_curves": len(self.values["points"]), "points": int(self.values["points"].sum())}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "bands": list(self.manifest.bands),
            "counts": self.counts,
            **self.sizes(),
            **({"facts": self.facts} if self.facts else {}),
            "quantile_percent": list(QUANTILES),
            "quantiles": self.quantiles,
        }


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


def describe(folder: Path | str, n_examples: int = 6) -> Description:
    """Reads every record of a dataset folder."""
    manifest = read_manifest(folder)
    if manifest.kind == StampIndex.kind:
        from data_pipelines.kinds.alerts.description import describe_stamps

        return describe_stamps(manifest, n_examples)
    counts: dict[str, dict[str, int]] = {}
    rows: list[dict[str, float]] = []
    examples: list[dict[str, Any]] = []
    shown: set[str] = set()
    for shard in manifest.shards:
        of_split = counts.setdefault(shard.split, {})
        for _, payload, _ in read_records(shard.path):
            record = parse_example(payload)
            time, magnitude, error = (np.frombuffer(record[name], "<f4").astype(np.float64) for name in ARRAYS)
            label = manifest.class_names[record["label"]] if record["label"] >= 0 and manifest.class_names else ""
            of_split[label] = of_split.get(label, 0) + 1
            rows.append(light_curve_statistics(time, magnitude, error))
            if len(examples) < n_examples and (label not in shown or len(shown) >= len(manifest.class_names)):
                shown.add(label)
                name = bytes(record["object_id"]).decode()
                examples.append({"id": name, "label": label, "time": time, "magnitude": magnitude, "error": error})
    values = {key: np.array([row[key] for row in rows]) for key in QUANTITIES}
    return Description(manifest, counts, quantiles_of(values), values, examples)


def quantiles_of(values: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The percentages of `QUANTILES` of the finite values, none where there are none."""
    quantiles = {}
    for key, column in values.items():
        finite = column[np.isfinite(column)]
        quantiles[key] = [float(q) for q in np.percentile(finite, QUANTILES)] if len(finite) else []
    return quantiles


def describe_all(paths: Sequence[Path | str]) -> list[Description]:
    """`describe` for every dataset at or below the paths."""
    return [describe(folder) for folder in find_datasets(paths)]


def write_pictures(description: Description, out: Path) -> list[Path]:
    """Draws the description into `out` as PNG files and `description.json`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from data_pipelines.kinds.alerts.description import draw_examples, draw_sky

    stamps = description.manifest.kind == StampIndex.kind
    unit = "alerts" if stamps else "light curves"
    out.mkdir(parents=True, exist_ok=True)
    style = {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 10,
        "figure.constrained_layout.use": True,
    }
    blue = "#3566a8"
    written = []

    def save(figure: Any, name: str) -> None:
        path = out / f"{name}.png"
        figure.savefig(path, dpi=130)
        plt.close(figure)
        written.append(path)

    with plt.rc_context(style):
        total: dict[str, int] = {}
        for of_split in description.counts.values():
            for label, count in of_split.items():
                total[label or "unlabelled"] = total.get(label or "unlabelled", 0) + count
        names = sorted(total, key=total.__getitem__)
        figure, axis = plt.subplots(figsize=(6, 0.6 + 0.28 * len(names)))
        axis.barh(names, [total[n] for n in names], color=blue)
        axis.set(xlabel=unit, title=f"{description.manifest.name}: classes")
        save(figure, "classes")
        if stamps:
            save(draw_examples(plt, description.examples), "examples")
            save(draw_sky(plt, description), "sky")
            (out / "description.json").write_text(json.dumps(description.as_dict(), indent=1))
            return written

        figure, axes = plt.subplots(2, 3, figsize=(10, 5.5))
        for axis, key in zip(
            axes.flat, ("points", "span", "visit_gap", "longest_gap", "magnitude", "error"), strict=True
        ):
            values = description.values[key]
            values = values[np.isfinite(values)]
            logarithmic = key not in ("magnitude", "span") and len(values) and values.min() > 0
            bins = np.geomspace(values.min(), values.max() * 1.001, 40) if logarithmic else 40
            axis.hist(values, bins=bins, color=blue)
            axis.set(xlabel=QUANTITIES[key], ylabel="light curves", xscale="log" if logarithmic else "linear")
        figure.suptitle(f"{description.manifest.name}: cadence and photometry")
        save(figure, "cadence")

        figure, axis = plt.subplots(figsize=(5.5, 4))
        axis.scatter(
            description.values["magnitude"], description.values["error"], s=4, alpha=0.3, color=blue, linewidths=0
        )
        axis.set(xlabel="median magnitude (mag)", ylabel="median error (mag)", yscale="log")
        save(figure, "error_against_magnitude")

        count = max(len(description.examples), 1)
        figure, axes = plt.subplots(count, 1, figsize=(8, 1.7 * count), squeeze=False)
        for axis, example in zip(axes[:, 0], description.examples, strict=False):
            axis.errorbar(
                example["time"],
                example["magnitude"],
                example["error"],
                fmt=".",
                color=blue,
                ecolor="#b9c7dc",
                ms=3,
                lw=0.8,
            )
            axis.invert_yaxis()
            axis.set_ylabel("mag")
            axis.set_title(f"{example['id']}  {example['label']}", fontsize=9, loc="left")
        axes[-1, 0].set_xlabel("days from the middle of the light curve")
        save(figure, "examples")
    (out / "description.json").write_text(json.dumps(description.as_dict(), indent=1))
    return written
