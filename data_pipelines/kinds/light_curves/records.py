"""The on-disk record: one tf Example per light curve (object and band), in tfds layout.

| feature | form |
| --- | --- |
| object_id, band | bytes, utf-8 |
| label | int64, index into the class names of the dataset, -1 unlabelled |
| length | int64, number of points N |
| reference_mjd | float64 as 8 little-endian bytes: the epoch that `time` counts from |
| time, magnitude, magnitude_error | N little-endian float32 in one bytes feature each: days (ascending), mag, mag |
| metadata/<name> | float32 scalars of the dataset, NaN where missing |

Times are relative because float32 holds an MJD only to 5.6 minutes. Each series is one bytes feature because that parses
two to eight times faster than lists of floats.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.shards.tfrecord import encode_example, write_records

ARRAYS = ("time", "magnitude", "magnitude_error")
"""The float32 series of a record, N points each."""

SPLITS = ("train", "validation", "test")


def light_curve_features(class_names: Sequence[str] = (), metadata_names: Sequence[str] = ()) -> Any:
    """The tfds FeaturesDict of a light-curve dataset.

    Args:
      class_names: names of the labels, in index order; may be empty (every label is then -1).
      metadata_names: float32 scalars that every record carries under `metadata/`.
    """
    import tensorflow_datasets as tfds

    raw = tfds.features.Encoding.BYTES
    features: dict[str, Any] = {
        "object_id": tfds.features.Text(),
        "band": tfds.features.Text(),
        "label": tfds.features.ClassLabel(names=list(class_names)) if class_names else np.int64,
        "length": np.int64,
        "reference_mjd": tfds.features.Tensor(shape=(), dtype=np.float64, encoding=raw),
    }
    for name in ARRAYS:
        features[name] = tfds.features.Tensor(shape=(None,), dtype=np.float32, encoding=raw)
    if metadata_names:
        features["metadata"] = dict.fromkeys(metadata_names, np.float32)
    return tfds.features.FeaturesDict(features)


def parse_spec(
    names: Sequence[str] = ("object_id", "band", "reference_mjd", *ARRAYS, "label", "length"),
) -> dict:
    """What `tf.io.parse_example` reads of a record (TensorFlow is imported here only)."""
    import tensorflow as tf

    dtype = lambda name: tf.int64 if name in ("label", "length") else tf.string
    return {name: tf.io.FixedLenFeature([], dtype(name)) for name in names}


def encode_light_curve(
    object_id: str,
    mjd: np.ndarray,
    magnitude: np.ndarray,
    magnitude_error: np.ndarray,
    band: str = "",
    label: int = -1,
    metadata: Mapping[str, float] | None = None,
    reference_mjd: float | None = None,
) -> dict[str, Any]:
    """One record as a tfds builder's `_generate_examples` yields it.

    Args:
      object_id: name of the star; several bands of one star share it.
      mjd, magnitude, magnitude_error: (N,) float; mjd ascending, days.
      band: name of the passband.
      label: class index, -1 unlabelled.
      metadata: the scalars named in `light_curve_features`.
      reference_mjd: epoch that times count from; None: the middle of this light curve. Give the middle of the object
        when it has several bands.

    >>> record = encode_light_curve("a", np.array([5e4, 5e4 + 2]), np.ones(2), np.ones(2))
    >>> float(record["reference_mjd"]), record["time"].tolist()
    (50001.0, [-1.0, 1.0])
    """
    mjd = np.asarray(mjd, np.float64)
    if reference_mjd is None:
        reference_mjd = 0.5 * (mjd[0] + mjd[-1]) if len(mjd) else 0.0
    record: dict[str, Any] = {
        "object_id": object_id,
        "band": band,
        "label": int(label),
        "length": len(mjd),
        "reference_mjd": np.float64(reference_mjd),
        "time": (mjd - reference_mjd).astype(np.float32),
        "magnitude": np.asarray(magnitude, np.float32),
        "magnitude_error": np.asarray(magnitude_error, np.float32),
    }
    if metadata is not None:
        record["metadata"] = {name: np.float32(value) for name, value in metadata.items()}
    return record


def serialize_light_curve(record: Mapping[str, Any]) -> bytes:
    """The tf Example of an `encode_light_curve` record, as tfds writes it; for shards outside a tfds dataset."""
    flat = {name: value for name, value in record.items() if name != "metadata"}
    flat["reference_mjd"] = np.float64(record["reference_mjd"]).astype("<f8").tobytes()
    for name, value in record.get("metadata", {}).items():
        flat[f"metadata/{name}"] = float(value)
    return encode_example(flat)


def shard_name(dataset: str, split: str, shard: int, shards: int) -> str:
    """The file name tfds gives a shard.

    >>> shard_name("asas", "train", 0, 8)
    'asas-train.tfrecord-00000-of-00008'
    """
    return f"{dataset}-{split}.tfrecord-{shard:05d}-of-{shards:05d}"


def write_shards(
    folder: Path | str, dataset: str, split: str, records: Iterable[Mapping[str, Any]], shards: int = 1
) -> list[Path]:
    """Writes records (as `encode_light_curve` makes them) to shards without tfds, evenly and in order.

    For tests and benchmarks; datasets for people are written by tfds builders. Call
    `data_pipelines.shards.manifest.write_manifest` when all splits are there.
    """
    return write_payloads(folder, dataset, split, [serialize_light_curve(record) for record in records], shards)


def write_payloads(
    folder: Path | str, dataset: str, split: str, payloads: Sequence[bytes], shards: int = 1
) -> list[Path]:
    """Serialized records as shards, evenly and in order."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    edges = np.linspace(0, len(payloads), shards + 1).round().astype(int)
    paths = [folder / shard_name(dataset, split, i, shards) for i in range(shards)]
    for path, first, last in zip(paths, edges[:-1], edges[1:], strict=True):
        write_records(path, payloads[first:last])
    return paths
