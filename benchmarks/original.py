"""Training steps of Astromer as published, re-created in TensorFlow, against ours: windows a second of the same networks.

The re-creation follows the authors' code layer by layer (A&A 670, A54; A&A 707, A170): Keras layers, one `tf.function`
with a gradient tape and Adam, masks made beforehand. Ours is the engine's own step, which also draws the masks and
standardises inside. Both hold the batch in memory; input pipelines are the question of `benchmarks input`.
"""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from benchmarks.harness import in_turns, print_table, rate, write_json
from benchmarks.train import Trainer, synthetic_lengths, window_batch
from lcjax.models.astromer_config import AstromerModelConfig
from lcjax.systems import PRESETS
from lcjax.systems.astromer.config import AstromerExperiment
from lcjax.training.compilation import enable_compile_cache

NORM_EPSILON = 1e-6


@dataclasses.dataclass(frozen=True)
class Options:
    """Windows a second in training: the published networks in TensorFlow and here."""

    presets: tuple[str, ...] = ("astromer1", "astromer2")
    batch_size: int = 32
    """Windows of one step; the published batches of thousands are for several GPUs."""
    length: int = 200
    seconds: float = 10.0
    """Time of each case in each turn."""
    turns: int = 3
    clock: Literal["wall", "processor"] = "wall"
    """`processor`: seconds that this process computed on any core, for a machine that others use as well."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/original.json)."""


def main(argv: list[str]) -> int:
    """Times all cases in turns."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks original")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    enable_compile_cache()
    rows = []
    for name in options.presets:
        rows += _compare(name, options)
    seconds = "" if options.clock == "wall" else ", by processor seconds"
    print_table(f"training, batch {options.batch_size}, windows of {options.length} points{seconds}", rows)
    print(f"written: {write_json('original', {'settings': options, 'rows': rows}, options.out)}")
    return 0


def _compare(name: str, options: Options) -> list[dict[str, Any]]:
    preset = PRESETS[name]()
    training = dataclasses.replace(preset.training, batch_size=options.batch_size)
    window = dataclasses.replace(preset.window, length=options.length)
    strict = dataclasses.replace(preset, training=training, window=window)
    parity = dataclasses.replace(strict, model=dataclasses.replace(preset.model, parity=True, mask_token=False))
    whole, edges = options.length, tuple(options.length * q // 4 for q in (1, 2, 3, 4))
    lengths = synthetic_lengths(whole)
    calls = {
        "published (TensorFlow)": _published(parity, lengths),
        "lcjax, parity": _ours(parity, whole, lengths),
        "lcjax, strict": _ours(strict, whole, lengths),
    }
    share, buckets = {}, {}
    for shorter, edge in zip((0, *edges[:-1]), edges, strict=True):
        inside = lengths[(lengths > shorter) & (lengths <= edge)]
        share[f"bucket {edge}"] = len(inside) / len(lengths)
        buckets[f"bucket {edge}"] = _ours(
            dataclasses.replace(strict, window=dataclasses.replace(window, length=edge)), edge, inside
        )
    cases = {n: _timed(call, options) for n, call in (calls | buckets).items()}
    found = {n: r.median for n, r in in_turns(cases, options.turns).items()}
    found[f"lcjax, strict, buckets {', '.join(map(str, edges))}"] = 1 / sum(share[n] / found.pop(n) for n in buckets)
    base = found["published (TensorFlow)"]
    return [
        {"network": name, "case": case, "windows/s": value, "x published": value / base}
        for case, value in found.items()
    ]


def _timed(call: Callable[[], None], options: Options) -> Callable[[], float]:
    call()  # compiles

    def windows():
        while True:
            call()
            yield options.batch_size

    clock = time.process_time if options.clock == "processor" else time.perf_counter
    return lambda: rate(windows(), options.seconds, clock)


def _ours(experiment: AstromerExperiment, length: int, lengths: np.ndarray) -> Callable[[], None]:
    trainer = Trainer(experiment)
    batch = trainer.put([[window_batch(experiment.training.batch_size, length, lengths, seed=0)]])
    return lambda: trainer.run(batch)


def _published(experiment: AstromerExperiment, lengths: np.ndarray) -> Callable[[], None]:
    """One training step of the authors' kind: network, weighted RMSE, gradients, Adam."""
    import tensorflow as tf

    rows, length = experiment.training.batch_size, experiment.window.length
    batch = window_batch(rows, length, lengths, seed=0)
    model = _network(tf, experiment.model, length)
    adam = tf.keras.optimizers.Adam(1e-3, beta_1=0.9, beta_2=0.98, epsilon=1e-9)
    rng = np.random.default_rng(0)
    probed = ((rng.random((rows, length)) < 0.5) & batch["mask"]).astype(np.float32)
    hidden = np.maximum(probed, 1.0 - batch["mask"])
    inputs = {
        "input": tf.constant(batch["magnitude"][..., None]),
        "times": tf.constant(batch["time"][..., None]),
        "hidden": tf.constant(hidden.astype(np.float32)[..., None]),
    }
    target, mask = inputs["input"], tf.constant(probed[..., None])

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            errors = tf.square(target - model(inputs, training=True)) * mask
            each = tf.math.divide_no_nan(tf.reduce_sum(errors, [1, 2]), tf.reduce_sum(mask, [1, 2]))
            loss = tf.sqrt(tf.reduce_mean(each))
        gradients = tape.gradient(loss, model.trainable_variables)
        adam.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return lambda: step().numpy()


def _network(tf: Any, config: AstromerModelConfig, length: int) -> Any:
    """The published encoder and head as a Keras model of `input`, `times`, `hidden` (B, L, 1)."""
    layers = tf.keras.layers
    inputs = {name: tf.keras.Input((length, 1), name=name) for name in ("input", "times", "hidden")}
    channel = np.arange(config.width)
    frequency = (1e4 ** (-2.0 * channel / config.width)).astype(np.float32)[None, None]
    even = (channel % 2 == 0).astype(np.float32)[None, None]

    def encode(times: Any) -> Any:
        angle = times * frequency
        return tf.sin(angle) * even + tf.cos(angle) * (1 - even)

    x = layers.Dense(config.width)(inputs["input"]) + layers.Lambda(encode)(inputs["times"])
    x = layers.Dropout(config.dropout)(x)
    for _ in range(config.num_layers):
        attended = layers.Dropout(config.dropout)(_attention(tf, config)([x, inputs["hidden"]]))
        if config.residual == "projection":
            attended = attended + layers.Dense(config.width)(x)
        attended = layers.LayerNormalization(epsilon=NORM_EPSILON)(attended)
        change = layers.Dense(config.width)(layers.Dense(config.ffn_width, activation="tanh")(attended))
        change = layers.Dropout(config.dropout)(change)
        if config.residual == "projection":
            change = change + layers.Dense(config.width)(attended)
        x = layers.LayerNormalization(epsilon=NORM_EPSILON)(change)
    head = layers.Dense(1)(layers.LayerNormalization(epsilon=NORM_EPSILON)(x))
    return tf.keras.Model(inputs, head)


def _attention(tf: Any, config: AstromerModelConfig) -> Any:
    class Attention(tf.keras.layers.Layer):
        """Dense projections, additive mask, softmax, merge."""

        def __init__(self) -> None:
            super().__init__()
            self.projections = [tf.keras.layers.Dense(config.width) for _ in range(4)]

        def call(self, inputs: Any) -> Any:
            x, hidden = inputs
            query, key, value = (self._heads(project(x)) for project in self.projections[:3])
            logits = tf.matmul(query, key, transpose_b=True) / tf.sqrt(tf.cast(tf.shape(key)[-1], tf.float32))
            across = tf.transpose(hidden, [0, 2, 1])
            pairs = tf.minimum(1.0, hidden + across) if config.mask_format == "QK" else across + 0 * hidden
            weights = tf.nn.softmax(logits + config.mask_alpha * pairs[:, None])
            merged = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
            return self.projections[3](tf.reshape(merged, tf.shape(x)))

        def _heads(self, x: Any) -> Any:
            shape = tf.shape(x)
            split = tf.reshape(x, [shape[0], shape[1], config.num_heads, config.width // config.num_heads])
            return tf.transpose(split, [0, 2, 1, 3])

    return Attention()
