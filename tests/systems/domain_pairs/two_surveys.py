"""Feature vectors of two small surveys, the second one shifted, as prepared data; and settings that compile fast."""

import numpy as np

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.prepare import prepare

SETTINGS = [
    "--network.vector-widths",
    "8",
    "--network.head",
    "6",
    "--network.dropout",
    "0",
    "--network.dropout-before",
    "--batch-size",
    "8",
    "--domains.target",
    "two",
    "--domains.shots",
    "2",
    "--training.log-every",
    "4",
]


def vectors(rows, shift, seed):
    rng = np.random.default_rng(seed)
    label = np.arange(rows) % 3 % 2
    x = rng.normal(size=(rows, 5)).astype(np.float32) + shift
    x[:, 0] += 4 * label
    return x, np.array(["bogus", "real"])[label]


def two_surveys(out):
    """Datasets `one` and `two` below `out/D`; the raw files are beside it."""
    for name, shift, seed in (("one", 0.0, 1), ("two", 0.7, 2)):
        x, label = vectors(90, shift, seed)
        np.savez(out / f"{name}.npz", x=x, label=label)
        prepare(
            "image_files",
            [out / f"{name}.npz"],
            out / "D",
            name=name,
            shards=2,
            fractions=(0.6, 0.2, 0.2),
            images=ImageSettings(image=("x",), channel_names=("feature",)),
        )
    return out / "D"
