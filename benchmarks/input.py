"""How many light curves a second reach the model: our readers, the published pipeline, and the ceiling.

All cases read the same curves and give batches of one random window a curve. `published` re-creates the input of the
Astromer papers in TensorFlow: SequenceExample records parsed one at a time, windowed, standardised, masked, padded and
batched. `bare` is the ceiling: the bytes of our own shards read, parsed and decoded in batches, and nothing done
with them.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.harness import Rate, in_turns, print_table, rate, write_json
from data_pipelines.kinds.light_curves.records import ARRAYS, LIGHT_CURVES, encode_light_curve, write_shards
from data_pipelines.kinds.light_curves.source import LightCurveSource
from data_pipelines.shards.manifest import find_datasets, read_manifest
from data_pipelines.shards.tfrecord import parse_example, read_records
from data_pipelines.shards.writing import write_manifest
from lcjax.configs import WindowConfig

GOAL_PUBLISHED, GOAL_BARE = 8.0, 0.8


@dataclass(frozen=True)
class Options:
    """Curves a second of our readers, of the published pipeline, and of a bare read-and-decode."""

    data: tuple[Path, ...] = ()
    """Prepared datasets; none: synthetic curves."""
    split: str = "train"
    curves: int = 8000
    """Synthetic curves."""
    points: tuple[int, int] = (200, 1000)
    """Fewest and most points of synthetic curves."""
    length: int = 200
    """Longest window, points."""
    batch_size: int = 256
    seconds: float = 2.0
    """Time of each case in each turn."""
    turns: int = 5
    out: Path | None = None
    """JSON file (default: benchmarks/results/input.json)."""


def main(argv: list[str]) -> int:
    """Times all cases in turns."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks input")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    with tempfile.TemporaryDirectory() as scratch:
        paths = list(options.data) or [_synthetic(Path(scratch), options)]
        shards = [s for p in find_datasets(paths) for s in read_manifest(p).split(options.split)]
        cases, points = _cases(tf, paths, [str(s.path) for s in shards], Path(scratch), options)
        rates = in_turns({n: _timed(items, options.seconds) for n, items in cases.items()}, options.turns)
    facts = {
        "curves": sum(s.records for s in shards),
        "points": points,
        "shards": len(shards),
        "megabytes": round(sum(s.bytes for s in shards) / 1e6, 1),
        "length": options.length,
        "batch_size": options.batch_size,
        "tensorflow": tf.__version__,
    }
    _report(rates, facts, options)
    return 0


def _cases(
    tf: Any, paths: list[Path], files: list[str], scratch: Path, options: Options
) -> tuple[dict[str, Iterator[int]], int]:
    published = scratch / "published.record"
    points = _write_published(tf, files, published)
    batch, length = options.batch_size, options.length
    buckets = (length // 4, length // 2, length)
    return {
        "published": _published(tf, published, batch, length, masked=True),
        "published, no masking": _published(tf, published, batch, length, masked=False),
        "bare read-and-decode": _bare(tf, files, batch, length),
        "ours, tf.data": _ours(paths, options, "tf.data"),
        "ours, tf.data, buckets": _ours(paths, options, "tf.data", buckets),
        "ours, plain (no TensorFlow)": _ours(paths, options, "plain"),
    }, points


def _report(rates: dict[str, Rate], facts: dict[str, Any], options: Options) -> None:
    bare, published = rates["bare read-and-decode"].median, rates["published"].median
    rows = [
        {
            "case": name,
            "curves/s": found.median,
            "lowest": found.low,
            "highest": found.high,
            "x published": found.median / published,
            "of bare": found.median / bare,
        }
        for name, found in rates.items()
    ]
    print_table("input: " + ", ".join(f"{k} {v}" for k, v in facts.items()), rows)
    ours = rates["ours, tf.data"].median
    goals = [
        {
            "goal": f"{GOAL_PUBLISHED:g} x published",
            "found": ours / published,
            "reached": ours >= GOAL_PUBLISHED * published,
        },
        {"goal": f"{GOAL_BARE:g} of bare", "found": ours / bare, "reached": ours >= GOAL_BARE * bare},
    ]
    for goal in goals:
        print(f"goal {goal['goal']}: {'reached' if goal['reached'] else 'missed'} ({goal['found']:.2f})")
    print("files are in the page cache; 'published' masks on the host, ours on the device, anew every step")
    print(
        f"written: {write_json('input', {'settings': options, 'facts': facts, 'rows': rows, 'goals': goals}, options.out)}"
    )


def _timed(items: Iterator[int], seconds: float) -> Callable[[], float]:
    for _ in range(20):  # tracing, threads and buffers come to rest
        next(items)
    return lambda: rate(items, seconds)


def _synthetic(folder: Path, options: Options) -> Path:
    """Irregularly sampled noisy sine waves, in eight shards."""
    rng = np.random.default_rng(0)
    low, high = options.points

    def curve(number: int) -> dict[str, Any]:
        n = int(rng.integers(low, high + 1))
        mjd = 50_000 + np.sort(rng.uniform(0, 2000, n))
        error = rng.uniform(0.01, 0.1, n)
        magnitude = 15 + 0.3 * np.sin(mjd / rng.uniform(0.2, 50)) + rng.normal(0, error)
        return encode_light_curve(f"star-{number:06d}", mjd, magnitude, error, band="V", label=0)

    write_shards(folder / "synthetic", "synthetic", options.split, map(curve, range(options.curves)), shards=8)
    write_manifest(folder / "synthetic", LIGHT_CURVES)
    return folder / "synthetic"


def _ours(paths: Sequence[Path], options: Options, reader: str, buckets: tuple = ()) -> Iterator[int]:
    window = WindowConfig(length=options.length, mode="random", buckets=buckets)
    source = LightCurveSource(paths, options.split, options.batch_size, window, seed=1, reader=reader)
    for _, batch in source.train_batches():
        yield len(batch["length"])


def _bare(tf: Any, files: list[str], batch: int, length: int) -> Iterator[int]:
    """The published recipe of an efficient reader: batch, then parse, then decode; files in sequence."""
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ARRAYS}

    def decode(serialized: Any) -> tuple:
        parsed = tf.io.parse_example(serialized, spec)
        return tuple(tf.io.decode_raw(parsed[n], tf.float32, fixed_length=4 * length) for n in ARRAYS)

    dataset = tf.data.TFRecordDataset(files).repeat().batch(batch, drop_remainder=True)
    for arrays in dataset.map(decode, num_parallel_calls=2).prefetch(2).as_numpy_iterator():
        yield len(arrays[0])


def _write_published(tf: Any, files: list[str], path: Path) -> int:
    """The same curves as SequenceExamples, as the authors of Astromer store them; returns the number of points."""
    points = 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for file in files:
            for record in read_records(file):
                example = parse_example(record.payload)
                points += int(example["length"])
                writer.write(_sequence_example(tf, example))
    return points


def _sequence_example(tf: Any, example: dict[str, Any]) -> bytes:
    feature = tf.train.Feature
    integer = lambda value: feature(int64_list=tf.train.Int64List(value=[value]))
    context = {
        "id": feature(bytes_list=tf.train.BytesList(value=[bytes(example["object_id"])])),
        "label": integer(example["label"]),
        "length": integer(example["length"]),
    }
    lists = {}
    for column, name in enumerate(ARRAYS):
        values = tf.train.FloatList(value=np.frombuffer(example[name], "<f4"))
        lists[f"dim_{column}"] = tf.train.FeatureList(feature=[feature(float_list=values)])
    return tf.train.SequenceExample(
        context=tf.train.Features(feature=context), feature_lists=tf.train.FeatureLists(feature_list=lists)
    ).SerializeToString()


def _published(tf: Any, path: Path, batch: int, length: int, masked: bool) -> Iterator[int]:
    """The published loader, uncached: parse, shuffle 10,000, window, standardise, mask, pad, batch; all per record."""
    automatic = tf.data.AUTOTUNE
    dataset = tf.data.TFRecordDataset(str(path)).repeat().shuffle(10_000, seed=0)
    dataset = dataset.map(lambda s: _published_parse(tf, s), num_parallel_calls=automatic)
    dataset = dataset.map(lambda x: _published_window(tf, x, length), num_parallel_calls=automatic)
    if masked:
        dataset = dataset.map(lambda x: _published_mask(tf, x), num_parallel_calls=automatic)
    else:
        dataset = dataset.map(lambda x: {"input": x}, num_parallel_calls=automatic)
    padding = {"mask_in": 1.0}
    shapes = {name: [length, width] for name, width in _element_widths(dataset).items()}
    values = {name: padding.get(name, 0.0) for name in shapes}
    dataset = dataset.padded_batch(batch, shapes, values, drop_remainder=True).prefetch(automatic)
    for arrays in dataset.as_numpy_iterator():
        yield len(arrays["input"])


def _element_widths(dataset: Any) -> dict[str, int]:
    return {name: spec.shape[1] for name, spec in dataset.element_spec.items()}


def _published_parse(tf: Any, serialized: Any) -> Any:
    context = {"id": tf.io.FixedLenFeature([], tf.string)}
    context |= {name: tf.io.FixedLenFeature([], tf.int64) for name in ("label", "length")}
    columns = {f"dim_{i}": tf.io.VarLenFeature(tf.float32) for i in range(3)}
    _, sequence = tf.io.parse_single_sequence_example(serialized, context, columns)
    return tf.stack([tf.sparse.to_dense(sequence[f"dim_{i}"])[0] for i in range(3)], axis=1)


def _published_window(tf: Any, curve: Any, length: int) -> Any:
    """One window a curve, start uniform, columns minus their means (A&A 670, A54)."""
    size = tf.minimum(tf.shape(curve)[0], length)
    start = tf.random.uniform([], 0, tf.shape(curve)[0] - size + 1, tf.int32)
    window = curve[start : start + size]
    window = window - tf.reduce_mean(window, axis=0)
    return tf.ensure_shape(window, [None, 3])


def _published_mask(tf: Any, window: Any, probed: float = 0.5, same: float = 0.2, rand: float = 0.2) -> Any:
    """The masking of Astromer (A&A 670, A54): half the points probed, of those a fifth shown and a fifth exchanged."""
    size = tf.shape(window)[0]
    floats = tf.cast(size, tf.float32)
    count = tf.cast(tf.floor(floats * probed), tf.int32)
    shown = tf.cast(tf.math.ceil(tf.cast(count, tf.float32) * same), tf.int32)
    hidden = count - shown
    exchanged = tf.cast(tf.math.ceil(tf.cast(hidden, tf.float32) * rand), tf.int32)
    order = tf.random.shuffle(tf.range(size))[:count]
    at = lambda rows: tf.scatter_nd(rows[:, None], tf.ones_like(rows, tf.float32), size[None])
    swap = at(order[shown : shown + exchanged])
    magnitude = window[:, 1]
    shuffled = tf.gather(magnitude, tf.random.shuffle(tf.range(size)))
    mask_out, mask_in = at(order), at(order[shown + exchanged :])
    return {
        "input": (magnitude * (1 - swap) + shuffled * swap)[:, None],
        "times": window[:, :1],
        "target": magnitude[:, None],
        "errors": window[:, 2:],
        "mask_in": mask_in[:, None],
        "mask_out": mask_out[:, None],
    }
