"""A tiny Astromer 2 and an in-memory source of sinusoids in the light-curve batch contract."""

import dataclasses

import numpy as np

from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig


def tiny_astromer(**training):
    """The small strict preset cut down to one narrow block, with dropout."""
    from lcjax.systems import PRESETS

    preset = PRESETS["astromer2-small"]()
    model = dataclasses.replace(
        preset.model, num_layers=1, num_heads=2, width=16, ffn_width=32, dropout=0.2, attention_bias="none"
    )
    settings = dict(steps=6, batch_size=8, log_every=1, evaluate_every=3, checkpoint_every=3)
    return dataclasses.replace(
        preset,
        model=model,
        window=WindowConfig(length=24),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup_steps=2, weight_decay=1e-2),
        training=TrainingConfig(**(settings | training)),
    )


class CurveSource:
    """Seeded sinusoids with gaps; the last validation row weighs nothing."""

    fingerprint = "curves"

    def __init__(self, batch_size=8, length=24, per_epoch=5, rank=0, ranks=1):
        self.batch_size, self.length, self.per_epoch, self.rank, self.ranks = batch_size, length, per_epoch, rank, ranks

    def batch(self, epoch, index):
        rng = np.random.default_rng((epoch, index))
        rows, longest = self.batch_size, self.length
        length = rng.integers(5, longest + 1, rows).astype(np.int32)
        mask = np.arange(longest) < length[:, None]
        time = np.cumsum(rng.exponential(3.0, (rows, longest)), axis=1)
        magnitude = 15 + np.sin(2 * np.pi * time / rng.uniform(5, 50, (rows, 1)))
        batch = {
            "time": np.where(mask, time - 50, 0).astype(np.float32),
            "magnitude": np.where(mask, magnitude, 0).astype(np.float32),
            "magnitude_error": np.where(mask, 0.05, 0).astype(np.float32),
            "mask": mask,
            "length": length,
            "label": np.zeros(rows, np.int32),
            "weight": np.ones(rows, np.float32),
        }
        part = slice(self.rank * rows // self.ranks, (self.rank + 1) * rows // self.ranks)
        return {name: value[part] for name, value in batch.items()}

    def train_batches(self, epoch=0, batch=0):
        while True:
            yield (epoch, batch), self.batch(epoch, batch)
            epoch, batch = (epoch, batch + 1) if batch + 1 < self.per_epoch else (epoch + 1, 0)

    def evaluation_batches(self):
        for index in range(2):
            batch = self.batch(1000, index)
            last = self.rank == self.ranks - 1 and index == 1
            batch["weight"] = batch["weight"] * ~(last & (np.arange(len(batch["weight"])) == len(batch["weight"]) - 1))
            batch["weight"] = batch["weight"].astype(np.float32)
            yield batch


def astromer_fit(workdir, rank=0, ranks=1, **training):
    """Trains the tiny Astromer; keywords are training settings."""
    from lcjax.systems import build_task
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    experiment = tiny_astromer(**training)
    source = CurveSource(experiment.training.batch_size, rank=rank, ranks=ranks)
    record = experiment_record(experiment)
    return fit(build_task(experiment), experiment, source, source, workdir, config_record=record, quiet=True)
