"""The usual path of the published stamp classifier, re-created: from packets to probabilities with general tools.

After the paper and the broker's code (AJ 162, 231): `fastavro.reader` per message, `gzip` and `astropy.io.fits` per stamp, numpy
per alert and channel, ecliptic and galactic coordinates by `astropy.coordinates`, then the published graph (no norm, dropout
off) in TensorFlow. The published service does this for 50 messages at a time.
"""

import gzip
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.alert_stages import AVRO, NETWORK, PREPARE, STAMPS, WHOLE
from lcjax.errors import ConfigError
from lcjax.systems.stamp_classifier.task import feature_statistics, resolve
from lcjax.transforms.stamp_features import CLIPS, SURVEY_MISSING

BATCH = 50
"""Messages of the published service's batch."""
_STAMPS = ("Science", "Template", "Difference")


class ReferencePath:
    """The path with the weights of a loaded classifier."""

    def __init__(self, loaded: Any) -> None:
        """Builds the graph.

        Raises:
          ConfigError: the model is not of the published form.
        """
        experiment = resolve(loaded.experiment)
        self.inputs, config = experiment.inputs, experiment.model
        if experiment.system != "stamp_classifier" or config.norm != "none" or not config.num_features:
            raise ConfigError(
                "the usual path is that of the published stamp classifier with metadata, without norm: give such a --model, "
                "or --no-reference"
            )
        self._mean, self._std = feature_statistics(self.inputs)
        self._network = tensorflow_network(loaded.variables, config)

    def cases(self, packets: Sequence[bytes]) -> dict[str, Callable[[], Any]]:
        """Our stage that does the same -> call that handles all packets once."""
        records = [read_packet(data) for data in packets]
        stamps = [read_stamps(record) for record in records]
        batches = [slice(i, i + BATCH) for i in range(0, len(records), BATCH)]
        prepare = lambda: [self._inputs(records[batch], stamps[batch]) for batch in batches]
        inputs = prepare()
        return {
            AVRO: lambda: [read_packet(data) for data in packets],
            STAMPS: lambda: [read_stamps(record) for record in records],
            PREPARE: prepare,
            NETWORK: lambda: [self._network(*pair) for pair in inputs],
            WHOLE: lambda: self.probabilities(packets),
        }

    def probabilities(self, packets: Sequence[bytes]) -> np.ndarray:
        """(N, K) float32."""
        found = []
        for begin in range(0, len(packets), BATCH):
            records = [read_packet(data) for data in packets[begin : begin + BATCH]]
            found.append(self._network(*self._inputs(records, [read_stamps(record) for record in records])))
        return np.concatenate(found)

    def _inputs(self, records: list[dict[str, Any]], stamps: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        images = np.stack([crop_and_scale(stack, self.inputs.crop) for stack in stamps])
        return images, self._features([record["candidate"] for record in records])

    def _features(self, candidates: list[dict[str, Any]]) -> np.ndarray:
        from astropy import units
        from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord

        sky = SkyCoord([c["ra"] for c in candidates], [c["dec"] for c in candidates], unit=units.deg, frame="icrs")
        ecliptic, galactic = sky.transform_to(BarycentricMeanEcliptic(equinox="J2000")), sky.galactic
        places = {
            **{"ecl_lat": ecliptic.lat.deg, "ecl_long": ecliptic.lon.deg},
            **{"gal_lat": galactic.b.deg, "gal_long": galactic.l.deg},
        }
        rows = []
        for i, candidate in enumerate(candidates):
            values = {name: column[i] for name, column in places.items()} | candidate
            values["isdiffpos"] = 0.0 if candidate["isdiffpos"] in ("t", "1") else 1.0
            values["non_detections"] = candidate["ncovhist"] - candidate["ndethist"]
            rows.append([self._one(name, values[name], j) for j, name in enumerate(self.inputs.features)])
        return np.array(rows, np.float32)

    def _one(self, name: str, value: float | None, column: int) -> float:
        """A clipped, standardised feature; nulls as `missing="survey"` has them (the reference breaks on them)."""
        low, high = CLIPS.get(name, (-np.inf, np.inf))
        if value is None:
            if low != -1.0:
                return 0.0
            value = SURVEY_MISSING
        return float((np.clip(value, low, high) - self._mean[column]) / self._std[column])


def read_packet(data: bytes) -> dict[str, Any]:
    """The record of a container with one."""
    import fastavro

    return next(iter(fastavro.reader(io.BytesIO(data))))


def read_stamps(record: dict[str, Any]) -> np.ndarray:
    """(63, 63, 3) of a ZTF record."""
    from astropy.io import fits

    stamps = []
    for name in _STAMPS:
        with gzip.open(io.BytesIO(record[f"cutout{name}"]["stampData"]), "rb") as unpacked, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(io.BytesIO(unpacked.read()), ignore_missing_simple=True) as hdus:
                stamps.append(hdus[0].data)
    return np.stack(stamps, axis=-1)


def crop_and_scale(stamps: np.ndarray, size: int) -> np.ndarray:
    """The central pixels, each channel scaled to [0, 1], missing pixels 0; one alert at a time."""
    middle, half = stamps.shape[0] // 2, size // 2
    crop = stamps[middle - half : middle - half + size, middle - half : middle - half + size].astype(np.float32)
    for channel in range(crop.shape[-1]):
        image = crop[..., channel]
        image -= np.nanmin(image)
        image /= np.nanmax(image)
    crop[np.isnan(crop)] = 0
    return crop


def tensorflow_network(variables: Any, config: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The published graph: images (N, S, S, C), features (N, F) -> probabilities (N, K)."""
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    weights = {
        layer: {name: tf.constant(np.asarray(value)) for name, value in parts.items()}
        for layer, parts in variables["params"].items()
    }
    average = {name: tf.constant(np.asarray(value)) for name, value in variables["batch_stats"]["bn"].items()}
    dense = lambda x, name: tf.matmul(x, weights[name]["kernel"]) + weights[name]["bias"]

    @tf.function(reduce_retracing=True)
    def network(images: Any, features: Any) -> Any:
        pad = config.padding
        x = tf.concat([tf.image.rot90(images, k) for k in range(4)], axis=0)
        x = tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        for i in range(1, len(config.filters) + 1):
            layer = weights[f"conv_{i}"]
            x = tf.nn.relu(tf.nn.conv2d(x, layer["kernel"], 1, "VALID" if i == 1 else "SAME") + layer["bias"])
            if i in config.pool_after:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.reshape(x, [tf.shape(x)[0], -1])
        trunk = len(config.trunk)
        for i in range(1, trunk + 1):
            x = tf.nn.relu(dense(x, f"dense_{i}"))
        x = tf.reduce_mean(tf.reshape(x, [4, -1, x.shape[-1]]), axis=0)
        scaled = (features - average["mean"]) * tf.math.rsqrt(average["var"] + config.feature_norm_epsilon)
        x = tf.concat([x, scaled * weights["bn"]["scale"] + weights["bn"]["bias"]], axis=-1)
        for i in range(trunk + 1, trunk + len(config.head) + 1):
            x = tf.nn.relu(dense(x, f"dense_{i}"))
        return tf.nn.softmax(dense(x, "logits"))

    return lambda images, features: network(tf.constant(images), tf.constant(features)).numpy()
