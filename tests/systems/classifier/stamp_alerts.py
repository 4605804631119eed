"""Made-up labelled alerts: images and metadata both tell the class, and a source that serves them."""

import dataclasses

import numpy as np

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.systems.stamp_classifier.config import CLASS_NAMES, RAW_COLUMNS, StampExperiment, StampInputsConfig


def alerts(count: int, seed: int = 0, size: int = 63) -> dict[str, np.ndarray]:
    """`count` alerts in native units, some pixels and some columns missing.

    A new source (SN, asteroid) is on the science and difference stamps only, an old one on the template too, bogus
    ones are a bad column; `sgscore1` and `ssdistnr`-like columns help for the rest.
    """
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(CLASS_NAMES), count).astype(np.int32)
    y, x = np.mgrid[:size, :size] - size // 2
    star = np.exp(-(x**2 + y**2) / 8.0)[None]
    flux = rng.uniform(300, 3000, count)[:, None, None]
    host = np.exp(-np.hypot(x - 3, y) / 4)[None] * np.isin(label, [0, 1])[:, None, None] * 800
    new, old = (np.isin(label, k)[:, None, None] for k in ((1, 3), (0, 2)))
    column = (np.abs(x) < 1)[None] * (label == 4)[:, None, None] * flux
    science = 200 + host + flux * star * (new | old) + column
    template = 200 + host + 0.6 * flux * star * old
    stamps = np.stack([science, template, science - template], -1) + rng.normal(0, 20, (count, size, size, 3))
    stamps[rng.random(count) < 0.1, :5] = np.nan
    columns = {name: rng.normal(0, 1, count) for name in RAW_COLUMNS}
    columns["ra"], columns["dec"] = rng.uniform(0, 360, count), rng.uniform(-30, 80, count)
    columns["isdiffpos"] = rng.integers(0, 2, count)
    columns["sgscore1"] = np.where(np.isin(label, [2]), 0.9, 0.1) + rng.normal(0, 0.2, count)
    columns["ndethist"] = np.where(np.isin(label, [0, 2]), 10, 1) + rng.integers(0, 3, count)
    columns["ncovhist"] = columns["ndethist"] + rng.integers(0, 500, count)
    metadata = np.stack([columns[name] for name in RAW_COLUMNS], -1)
    metadata[rng.random(metadata.shape) < 0.02] = np.nan
    return {
        "stamps": stamps.astype(np.float32),
        "metadata": metadata.astype(np.float32),
        "ra": columns["ra"].astype(np.float32),
        "dec": columns["dec"].astype(np.float32),
        "label": label,
        "weight": np.ones(count, np.float32),
        "object_id": np.array([f"ZTF{seed}x{i}" for i in range(count)]),
        "alert_id": np.arange(count),
    }


class AlertSource:
    """Batches of made-up alerts, as `StampSource` serves them."""

    class_names, metadata_names, surveys = CLASS_NAMES, RAW_COLUMNS, ("ztf",)

    def __init__(self, count: int, batch_size: int, seed: int = 0, size: int = 63):
        self.rows, self.batch_size = alerts(count, seed, size), batch_size
        self.n_objects, self.fingerprint = count, f"alerts-{count}-{seed}"

    def _take(self, index: np.ndarray) -> dict[str, np.ndarray]:
        fill = np.zeros(self.batch_size - len(index), int)
        batch = {k: v[np.concatenate([index, fill])] for k, v in self.rows.items()}
        batch["weight"] = np.concatenate([np.ones(len(index)), fill]).astype(np.float32)
        return batch

    def train_batches(self, epoch=0, batch=0):
        per_epoch = self.n_objects // self.batch_size
        while True:
            order = np.random.default_rng(epoch).permutation(self.n_objects)
            while batch < per_epoch:
                batch += 1
                position = (epoch, batch) if batch < per_epoch else (epoch + 1, 0)
                yield position, self._take(order[(batch - 1) * self.batch_size : batch * self.batch_size])
            epoch, batch = epoch + 1, 0

    def evaluation_batches(self):
        for start in range(0, self.n_objects, self.batch_size):
            yield self._take(np.arange(start, min(start + self.batch_size, self.n_objects)))


TINY = StampModelConfig(kernels=(4, 3), filters=(8, 8), pool_after=(2,), trunk=(16,), head=(16,), norm="none")


def tiny(inputs: StampInputsConfig | None = None, rate: float = 3e-3, **training) -> StampExperiment:
    """A network of two small convolutions; keywords are training settings."""
    defaults = dict(steps=30, batch_size=32, log_every=10, evaluate_every=15, checkpoint_every=100)
    return StampExperiment(
        model=TINY,
        inputs=inputs or StampInputsConfig(crop=13),
        optimizer=OptimizerConfig(name="adam", learning_rate=rate, schedule="constant", warmup_steps=5),
        training=TrainingConfig(**(defaults | training)),
    )


def stamps_fit(workdir, **training):
    """Trains the tiny network, with group norm, for a few steps."""
    from lcjax.systems import build_task
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    experiment = tiny(**(dict(steps=4, batch_size=16, log_every=1, evaluate_every=4) | training))
    model = dataclasses.replace(TINY, norm="group", norm_groups=2)
    experiment = dataclasses.replace(experiment, model=model)
    sources = AlertSource(48, 16, 1), AlertSource(24, 16, 2)
    return fit(
        build_task(experiment), experiment, *sources, workdir, config_record=experiment_record(experiment), quiet=True
    )
