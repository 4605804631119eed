"""Small prepared datasets for the tests of the disk room."""

from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.light_curves.records import LIGHT_CURVES, encode_light_curve, write_shards
from data_pipelines.shards.writing import write_manifest

CLASSES = ("Cep", "LPV", "RRab")


def curves(count: int, low: int = 5, high: int = 60, seed: int = 0, prefix: str = "star") -> list[dict[str, Any]]:
    """Light curves with unequal lengths; every magnitude of the set is different, so points can be told apart."""
    rng = np.random.default_rng(seed)
    out, used = [], 0
    for number in range(count):
        n = int(rng.integers(low, high + 1))
        mjd = 50_000 + np.sort(rng.uniform(0, 900, n))
        magnitude = used + np.arange(n)
        used += n
        record = encode_light_curve(
            f"{prefix}-é{number // 2}", mjd, magnitude, rng.uniform(0.01, 0.1, n), "VI"[number % 2], number % 4 - 1
        )
        out.append(record)
    return out


def write(
    folder: Path, records: list[dict[str, Any]], shards: int = 4, split: str = "train", name: str = "toy"
) -> Path:
    """Shards and manifest without tfds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "label.labels.txt").write_text("\n".join(CLASSES))
    write_shards(folder, name, split, records, shards)
    write_manifest(folder, LIGHT_CURVES)
    return folder


def shards_of(folder: Path) -> list[Path]:
    """The TFRecord files of a dataset."""
    return sorted(folder.glob("*.tfrecord-*"))
