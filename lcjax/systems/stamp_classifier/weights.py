"""Published stamp classifiers as experiments and variables of ours (AJ 162, 231).

A source is a TensorFlow 1 checkpoint (`.index` and `.data`, read without TensorFlow) or one `.npz` with the same
variables, their names with `.` or `/`. Shapes decide everything: kernels, widths, classes, the number of features.
Which features they are follows from the published orders of 26 and 23, or from `feature_norm_stats*.json` beside the
checkpoint. Pickled statistics are never opened.
"""

import dataclasses
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.errors import WeightsError
from lcjax.models.activity import live_fractions
from lcjax.models.stamp_classifier import StampClassifier
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.pretrained.tensorflow_checkpoint import find_prefix, read_checkpoint
from lcjax.pretrained.weights_folder import ImportedWeights
from lcjax.systems.stamp_classifier.config import (
    FEATURES_23,
    FEATURES_26,
    PUBLISHED_STATISTICS,
    StampInputsConfig,
)
from lcjax.systems.stamp_classifier.presets import alerce_stamps, alerce_stamps_23, alerce_stamps_image
from lcjax.systems.stamp_classifier.weight_names import (
    config_from_variables,
    is_bookkeeping,
    unknown_variables,
    variables_from_graph,
)
from lcjax.training.checkpoint_io import flatten
from lcjax.transforms.stamp_features import columns_of
from lcjax.typing import PyTree

_MAX_ARRAY_BYTES = 256 << 20
_MAX_STATISTICS_BYTES = 1 << 20
_PROBES = 32
"""Random images that look for dead layers."""


def import_stamps(source: Path | str) -> ImportedWeights:
    """Reads a published stamp classifier.

    Args:
      source: folder or prefix of a TensorFlow checkpoint, or a `.npz` file.

    Raises:
      WeightsError: missing or damaged files, unknown or missing variables, shapes or statistics that disagree.
    """
    source = Path(source)
    arrays, origin = read_variables(source)
    unknown = unknown_variables(arrays)
    if unknown:
        raise WeightsError(f"variable '{unknown[0]}' in '{origin}' is of no stamp classifier: is it another network?")
    tree = variables_from_graph(arrays)
    config = config_from_variables(tree.get("params", {}))
    _check_whole(tree, config)
    _check_finite(arrays)
    notes: list[str] = []
    inputs, settings_file = _inputs(config.num_features, config.num_classes, config.image_size, origin, notes)
    base = {26: alerce_stamps, 23: alerce_stamps_23, 0: alerce_stamps_image}.get(config.num_features, alerce_stamps)()
    experiment = dataclasses.replace(base, model=config, inputs=inputs)
    dead = _dead_layers(config, tree)
    if dead:
        notes.append(f"dead branch: no unit of {dead} fires on {_PROBES} random images, so the image hardly matters")
    ignored = sorted(name for name in arrays if is_bookkeeping(name))
    rows = {
        "image": f"central {config.image_size} x {config.image_size} pixels, {config.num_channels} channels, 4 rotations",
        "network": f"kernels {_sides(config.kernels)}, filters {_sides(config.filters)}, "
        f"dense {_sides((*config.trunk, *config.head))}",
        "features": f"{config.num_features} of the alert's metadata" if config.num_features else "none (image only)",
        "classes": ", ".join(inputs.class_names),
    }
    return ImportedWeights(experiment, tree, origin, settings_file, ignored, notes, rows)


def _sides(values: tuple[int, ...]) -> str:
    return " ".join(map(str, values))


def read_variables(source: Path) -> tuple[dict[str, np.ndarray], Path]:
    """All arrays of a checkpoint or `.npz`, under names with `/`, and the prefix or file they come from.

    Raises:
      WeightsError: nothing there, or nothing sound.
    """
    if source.suffix == ".npz" or (source.is_file() and zipfile.is_zipfile(source)):
        return _read_npz(source), source
    if source.is_dir() and not list(source.glob("*.index")) and not list(source.glob("*/*.index")):
        found = sorted(source.glob("*.npz"))
        if len(found) == 1:
            return _read_npz(found[0]), found[0]
        if found:
            names = ", ".join(f.name for f in found[:4])
            raise WeightsError(f"folder '{source}' holds {len(found)} .npz files ({names}): give one of them")
    prefix = find_prefix(source)
    return read_checkpoint(prefix), prefix


def _read_npz(file: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(file) as members:
            size = sum(info.file_size for info in members.infolist())
        if size > _MAX_ARRAY_BYTES:
            raise WeightsError(
                f"'{file}' unpacks to {size:,} bytes, more than any stamp classifier: is it the right file?"
            )
        with np.load(file, allow_pickle=False) as arrays:
            return {name.replace(".", "/"): arrays[name] for name in arrays.files}
    except WeightsError:
        raise
    except (
        Exception
    ) as error:  # zip, decompressors and numpy, with the tokenizer it reads headers with, raise many kinds
        raise WeightsError(f"'{file}' cannot be read as named arrays: {error}") from error


def _check_whole(tree: PyTree, config: StampModelConfig) -> None:
    """Makes sure that every array of the network is there, in the shape that fits its neighbours."""
    example = np.zeros((1, config.image_size, config.image_size, config.num_channels), np.float32)
    features = np.zeros((1, config.num_features), np.float32)
    expected = flatten(
        jax.eval_shape(StampClassifier(config).init, jax.random.key(0), {"images": example, "features": features})
    )
    found = {name: np.shape(value) for name, value in flatten(tree).items()}
    for name, leaf in expected.items():
        layer = name.split("/", 1)[1]
        if name not in found:
            raise WeightsError(f"array '{layer}' is missing from these weights: copy or download them again")
        if found[name] != tuple(leaf.shape):
            raise WeightsError(f"array '{layer}' of these weights is {found[name]} where {tuple(leaf.shape)} would fit")
    if odd := sorted(set(found) - set(expected)):
        raise WeightsError(f"array '{odd[0].split('/', 1)[1]}' belongs to no layer of this network")


def _check_finite(arrays: dict[str, np.ndarray]) -> None:
    for name, value in arrays.items():
        if not is_bookkeeping(name) and not np.all(np.isfinite(value)):
            raise WeightsError(f"variable '{name}' holds values that are not finite: these weights are unusable")


def _inputs(
    features: int, classes: int, crop: int, origin: Path, notes: list[str]
) -> tuple[StampInputsConfig, Path | None]:
    base = StampInputsConfig(crop=crop, center_isdiffpos=False, ignore_fill=False)
    if classes != len(base.class_names):
        notes.append(f"{classes} classes where the published networks have {len(base.class_names)}: numbered here")
        base = dataclasses.replace(base, class_names=tuple(f"class {i}" for i in range(classes)))
    if not features:
        return dataclasses.replace(base, features=(), metadata_names=()), None
    statistics, file = _statistics_beside(origin, features)
    if statistics is None:
        known = {len(FEATURES_26): FEATURES_26, len(FEATURES_23): FEATURES_23}
        if features not in known:
            raise WeightsError(
                f"these weights take {features} features and nothing tells which: put feature_norm_stats.json "
                "(name -> mean, std, in the network's order) beside them"
            )
        pickled = ", ".join(sorted(file.name for file in origin.parent.glob("feature_norm_stats*.pkl")))
        unopened = f" ({pickled} is pickled, which is never opened)" if pickled else ""
        notes.append(f"no feature_norm_stats*.json beside the weights{unopened}: took the published means and spreads")
        statistics = {name: PUBLISHED_STATISTICS[name] for name in known[features]}
    inputs = dataclasses.replace(
        base,
        features=tuple(statistics),
        metadata_names=columns_of(tuple(statistics)),
        feature_mean=tuple(mean for mean, _ in statistics.values()),
        feature_std=tuple(std for _, std in statistics.values()),
    )
    return inputs, file


def _statistics_beside(origin: Path, features: int) -> tuple[dict[str, tuple[float, float]] | None, Path | None]:
    for file in sorted(origin.parent.glob("feature_norm_stats*.json")):
        try:
            if file.stat().st_size > _MAX_STATISTICS_BYTES:
                raise ValueError("it is too large")
            table: dict[str, Any] = json.loads(file.read_text())
            if len(table) != features:
                continue
            statistics = {name: (float(v["mean"]), float(v["std"])) for name, v in table.items()}
            if not all(math.isfinite(m) and math.isfinite(s) and s > 0 for m, s in statistics.values()):
                raise ValueError("a mean or spread is not a usable number")
            return statistics, file
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise WeightsError(f"feature statistics '{file}' cannot be used: {error}") from error
    return None, None


def _dead_layers(config: StampModelConfig, tree: PyTree) -> str:
    """Names layers none of whose units fires on random images."""
    rng = np.random.default_rng(0)
    images = rng.random((_PROBES, config.image_size, config.image_size, config.num_channels), np.float32)
    images *= np.linspace(0, 1, _PROBES, dtype=np.float32)[:, None, None, None]
    features = rng.normal(size=(_PROBES, config.num_features)).astype(np.float32)
    batch = {"images": images, "features": features}
    _, noted = StampClassifier(config).apply(tree, batch, mutable=["intermediates"])
    shares = live_fractions(noted["intermediates"], np.ones(_PROBES))
    return ", ".join(name for name, share in shares.items() if not float(share))


def adam_state_from_graph(arrays: dict[str, np.ndarray], b2: float = 0.999) -> tuple[int, PyTree, PyTree]:
    """Finished steps and Adam's moments of a TensorFlow 1 checkpoint, to go on with its training.

    TensorFlow keeps beta2^(t+1), not t; once that has run out of digits the count is as large as float32 can tell.

    Returns:
      (count, mu, nu): as optax's `ScaleByAdamState` takes them.
    """
    mu = variables_from_graph(arrays, "/Adam").get("params", {})
    nu = variables_from_graph(arrays, "/Adam_1").get("params", {})
    power = next((float(v) for k, v in arrays.items() if k.split("/")[-1] == "beta2_power"), b2)
    count = round(math.log(max(power, 1e-38)) / math.log(b2)) - 1
    return max(count, 0), mu, nu
