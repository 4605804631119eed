"""What is in a prepared dataset of alerts: classes, objects, bands, sizes, dates, the sky, missing pixels, every metadata column."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipelines.kinds.description import Description, label_names, split_indexes
from data_pipelines.shards.index import ShardIndex, concatenate
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.tfrecord import parse_example, read_records
from data_pipelines.sources.alerts.record import STAMP_NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MISSING = "#4a90c4"
"""Colour of missing pixels."""


def describe_stamps(manifest: Manifest, n_examples: int = 6, unit: str = "alerts") -> Description:
    """Reads every record of a dataset of alerts."""
    counts: dict[str, dict[str, int]] = {}
    examples: list[dict[str, Any]] = []
    missing: list[float] = []
    labels: list[str] = []
    indexes = split_indexes(manifest)
    for split, of_split in indexes.items():
        names = label_names(manifest, of_split)
        counts[split] = dict(Counter(names))
        labels += names
        payloads = (record for shard in manifest.split(split) for record in read_records(shard.path))
        shapes = of_split.shapes(("height", "width", "channels")).tolist()
        for name, shape, record in zip(names, shapes, payloads, strict=True):
            found = parse_example(record.payload)
            stamps = np.frombuffer(found["stamps"], "<f4").reshape(shape)
            missing.append(float(1 - np.isfinite(stamps).mean()))
            if len(examples) < n_examples and sum(e["label"] == name for e in examples) * len(set(names)) < n_examples:
                examples.append({"id": bytes(found["object_id"]).decode(), "label": name, "stamps": stamps})
    index = concatenate(list(indexes.values()))
    table = zip(index.metadata_names.tolist(), index.metadata.T.astype(np.float64), strict=True)
    values = {"missing": np.array(missing, np.float64)}
    values |= {name: column for name, column in sorted(table) if np.isfinite(column).any()}
    quantities = {"missing": "missing pixels (fraction)"}
    quantities |= {key: key for key, column in values.items() if key not in quantities and np.nanstd(column) > 0}
    figures = {
        "examples": lambda plt: draw_examples(plt, examples),
        "sky": lambda plt: draw_sky(plt, index["ra"], index["dec"], np.array(labels, str)),
    }
    sizes = {unit: len(index)}
    return Description(manifest, unit, sizes, counts, values, quantities, _facts(index, values["missing"]), figures)


def _facts(index: ShardIndex, missing: np.ndarray) -> dict[str, str]:
    shape = index.shapes(("height", "width", "channels")).T
    return {
        "objects": f"{len(set(index.object_ids())):,}",
        "stamps": _sizes(*shape, index["pixel_scale"]),
        "bands": _counted([b or "(unnamed)" for b in index.band_names[index.band].tolist()]),
        "dates": _span(index["mjd"], "MJD {:.3f} to {:.3f}"),
        "ra": _span(index["ra"], "{:.4f} to {:.4f} deg"),
        "dec": _span(index["dec"], "{:.4f} to {:.4f} deg"),
        "missing pixels": f"in {np.count_nonzero(missing):,} alerts, at most {max(missing, default=0):.1%} of one",
    }


def _counted(names: list[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in Counter(names).most_common())


def _sizes(height: np.ndarray, width: np.ndarray, channels: np.ndarray, scale: np.ndarray) -> str:
    """How many stamps of which shape and pixel scale (to a hundredth of an arcsecond, since coordinates differ a little)."""
    rows = zip(height.tolist(), width.tolist(), channels.tolist(), scale.tolist(), strict=True)
    return _counted([f"of {h} x {w} pixels, {c} an alert, {s:.2f} arcsec a pixel" for h, w, c, s in rows])


def _span(values: np.ndarray, form: str) -> str:
    finite = values[np.isfinite(values)]
    unknown = len(values) - len(finite)
    said = form.format(finite.min(), finite.max()) if len(finite) else ""
    return ", ".join(filter(None, [said, f"{unknown:,} unknown" if unknown else ""]))


def draw_sky(plt: Any, ra: np.ndarray, dec: np.ndarray, label: np.ndarray) -> "Figure":
    """Where the alerts are (degrees), classes in colours; east to the left."""
    figure, axis = plt.subplots(figsize=(8, 4.4), subplot_kw={"projection": "mollweide"})
    for name in sorted(set(label.tolist()), key=lambda n: (n != "", n)):  # unlabelled ones lie below
        here = (label == name) & np.isfinite(ra + dec)
        style = {"color": "#b0b0b0"} if not name else {}
        turned = -np.radians((ra[here] + 180) % 360 - 180)
        axis.scatter(turned, np.radians(dec[here]), s=10, label=name or "unlabelled", linewidths=0, **style)
    axis.set_xticks(np.radians(range(-120, 121, 60)), [f"{-a % 360}°" for a in range(-120, 121, 60)])
    axis.grid(linewidth=0.4)
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure


def draw_examples(plt: Any, examples: list[dict[str, Any]]) -> "Figure":
    """One row an alert, one column a stamp, each scaled to its 1 and 99.5 %; missing pixels in blue."""
    channels = max([e["stamps"].shape[-1] for e in examples], default=1)
    rows = max(len(examples), 1)
    figure, axes = plt.subplots(rows, channels, figsize=(1.9 * channels, 2.1 * rows), squeeze=False)
    colours = plt.get_cmap("gray").with_extremes(bad=_MISSING)
    names = STAMP_NAMES if channels == len(STAMP_NAMES) else [""] * channels
    for row, example in zip(axes, examples, strict=False):
        for axis, image in zip(row, np.moveaxis(example["stamps"], -1, 0), strict=False):
            finite = image[np.isfinite(image)]
            low, high = np.percentile(finite, (1, 99.5)) if len(finite) else (0, 1)
            axis.imshow(np.where(np.isfinite(image), image, np.nan), origin="lower", cmap=colours, vmin=low, vmax=high)
            axis.set_axis_off()
        row[0].set_title(f"{example['id']}  {example['label']}", fontsize=8, loc="left")
    for axis, name in zip(axes[-1], names, strict=False):
        axis.text(0.5, -0.08, name, transform=axis.transAxes, ha="center", fontsize=8)
    return figure
