"""What is in a prepared dataset as numbers and pictures; each kind of data gives its own (`Kind.describe`)."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipelines.shards.index import ShardIndex, concatenate
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import Manifest
from lcjax.files import storage_errors, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTILES = (5, 25, 50, 75, 95)
BLUE = "#3566a8"
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Description:
    """Numbers of one dataset."""

    manifest: Manifest
    unit: str
    """Plural: what the records are."""
    sizes: dict[str, int]
    """How much there is: `alerts`, or `light_curves` and `points`."""
    counts: dict[str, dict[str, int]]
    """split -> class name ('' unlabelled) -> records."""
    values: dict[str, np.ndarray]
    """quantity -> one value a record."""
    quantities: dict[str, str]
    """quantity -> its name and unit, of those worth a row of a table."""
    facts: dict[str, str] = field(default_factory=dict)
    """What is counted or ranges over all records, in words."""
    figures: Mapping[str, Callable[[Any], "Figure"]] = field(default_factory=dict)
    """Name of a picture -> draws it with `matplotlib.pyplot`."""

    @cached_property
    def quantiles(self) -> dict[str, list[float]]:
        """Quantity -> its percentages `QUANTILES` over records, of finite values; none where there are none."""
        finite = {key: column[np.isfinite(column)] for key, column in self.values.items()}
        return {key: np.percentile(of, QUANTILES).tolist() if len(of) else [] for key, of in finite.items()}

    def headline(self) -> str:
        """What it is and how much there is, after the dataset's name."""
        sizes = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in self.sizes.items())
        return (
            f"{self.manifest.version}: {sizes}, bands {', '.join(band or '(unnamed)' for band in self.manifest.bands)}"
        )

    def tables(self) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
        """(header, rows) of what is worth printing: records of each class and split, facts (no header), quantiles."""
        labels = sorted({name for split in self.counts.values() for name in split})
        counts = [
            (label or "(unlabelled)", *(f"{split.get(label, 0):,}" for split in self.counts.values()))
            for label in labels
        ]
        numbers = [(name, *(f"{value:.4g}" for value in self.quantiles[key])) for key, name in self.quantities.items()]
        percent = tuple(f"{q} %" for q in QUANTILES)
        return [(("class", *self.counts), counts), ((), list(self.facts.items())), (("", *percent), numbers)]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "bands": list(self.manifest.bands),
            "counts": self.counts,
            **self.sizes,
            **({"facts": self.facts} if self.facts else {}),
            "quantile_percent": list(QUANTILES),
            "quantiles": self.quantiles,
        }


def split_indexes(manifest: Manifest) -> dict[str, ShardIndex]:
    """The index of every split that has shards."""
    return {split: manifest.index(split) for split in dict.fromkeys(shard.split for shard in manifest.shards)}


def label_names(manifest: Manifest, index: ShardIndex) -> list[str]:
    """Class name of every record, '' where it has none."""
    names = manifest.class_names
    return [names[i] if 0 <= i < len(names) else "" for i in index.label.tolist()]


def describe_records(manifest: Manifest, layout: RecordLayout, unit: str) -> Description:
    """What the index tells of records of any kind: classes, objects, every number."""
    indexes = split_indexes(manifest)
    counts = {split: dict(Counter(label_names(manifest, index))) for split, index in indexes.items()}
    index = concatenate(list(indexes.values()))
    lengths = {"length": index.length} if layout.first is not None and layout.first.ragged else {}
    lengths |= {name: index[name] for group in layout.others if group.ragged for name in group.shape}
    values = {name: index[name] for name in (*layout.exact, *layout.floats, *layout.integers)}
    for name, size in layout.targets.items():
        values |= {f"{name} {k}" if size > 1 else name: index[name][:, k] for k in range(size) if name in index.columns}
    values |= dict(zip(index.metadata_names.tolist(), index.metadata.T, strict=True))
    values = {name: np.asarray(column, np.float64) for name, column in (lengths | values).items()}
    quantities = {name: name for name, column in values.items() if np.isfinite(column).any()}
    facts = {"objects": f"{len(set(index.object_ids())):,}"}
    figures = {"numbers": lambda plt: draw_histograms(plt, values, quantities, unit)} if quantities else {}
    sizes = {unit.replace(" ", "_"): len(index)}
    return Description(manifest, unit, sizes, counts, values, quantities, facts, figures)


def draw_histograms(plt: Any, values: Mapping[str, np.ndarray], titles: Mapping[str, str], unit: str) -> "Figure":
    """One histogram for each quantity that has a title, three in a row; logarithmic where a quantity spans much."""
    rows = max(-(-len(titles) // 3), 1)
    figure, axes = plt.subplots(rows, 3, figsize=(10, 2.75 * rows), squeeze=False)
    for axis in axes.flat[len(titles) :]:
        axis.set_axis_off()
    for axis, (key, title) in zip(axes.flat, titles.items(), strict=False):
        finite = values[key][np.isfinite(values[key])]
        logarithmic = len(finite) > 0 and finite.min() > 0 and finite.max() > 30 * finite.min()
        bins = np.geomspace(finite.min(), finite.max() * 1.001, 40) if logarithmic else 40
        axis.hist(finite, bins=bins, color=BLUE)
        axis.set(xlabel=title, ylabel=unit, xscale="log" if logarithmic else "linear")
    return figure


def draw_classes(plt: Any, description: Description) -> "Figure":
    """How many records each class has, all splits together."""
    total: Counter[str] = Counter()
    for of_split in description.counts.values():
        total.update({label or "unlabelled": count for label, count in of_split.items()})
    names = sorted(total, key=total.__getitem__)
    figure, axis = plt.subplots(figsize=(6, 0.6 + 0.28 * len(names)))
    axis.barh(names, [total[n] for n in names], color=BLUE)
    axis.set(xlabel=description.unit, title=f"{description.manifest.name}: classes")
    return figure


def write_pictures(description: Description, out: Path) -> list[Path]:
    """Draws the description into `out` as PNG files and `description.json`.

    Raises:
      StorageError: they cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    written = []
    figures = {"classes": lambda plt: draw_classes(plt, description)} | dict(description.figures)
    with storage_errors(out), plt.rc_context(_STYLE):
        out.mkdir(parents=True, exist_ok=True)
        for name, draw in figures.items():
            figure = draw(plt)
            written.append(out / f"{name}.png")
            figure.savefig(written[-1], dpi=130)
            plt.close(figure)
    write_text(out / "description.json", json.dumps(description.as_dict(), indent=1))
    return written
