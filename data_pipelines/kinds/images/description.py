"""What a prepared dataset of images is like: classes, sizes, channels, target numbers and some of the images."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipelines.kinds.description import Description, describe_records
from data_pipelines.kinds.images.records import IMAGES
from data_pipelines.shards.records import shard_records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from data_pipelines.shards.manifest import Manifest


def describe_images(manifest: "Manifest", n_examples: int) -> Description:
    """Numbers, facts and pictures of a prepared dataset."""
    description = describe_records(manifest, IMAGES, "images")
    indexes = [manifest.index(split) for split in dict.fromkeys(shard.split for shard in manifest.shards)]
    shapes = {
        tuple(row) for index in indexes for row in np.unique(index.shapes(IMAGES.series["image"]), axis=0).tolist()
    }
    facts = {
        "shapes": ", ".join("x".join(map(str, shape)) for shape in sorted(shapes)[:6]),
        "channels": "; ".join(manifest.bands),
    }
    pictures = {"images": lambda plt: draw_images(plt, manifest, n_examples)} if n_examples else {}
    return replace(description, facts={**description.facts, **facts}, figures={**description.figures, **pictures})


def draw_images(plt: Any, manifest: "Manifest", n_examples: int) -> "Figure":
    """The first images of each class, one class a row, the first channel on a scale of its own."""
    rows: dict[str | None, list[np.ndarray]] = {}
    for record in shard_records(manifest, lambda features: IMAGES.decode(features, manifest.class_names)):
        own = rows.setdefault(record["label"], [])
        if len(own) < n_examples:
            own.append(record["image"][..., 0])
    names = sorted(rows, key=lambda name: name or "")
    figure, axes = plt.subplots(len(names), n_examples, figsize=(1.6 * n_examples, 1.8 * len(names)), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for name, row in zip(names, axes, strict=True):
        row[0].set_title(name or "unlabelled", fontsize=8)
        for image, axis in zip(rows[name], row, strict=False):
            axis.imshow(image, cmap="gray", origin="lower")
    return figure
