"""lcjax-base cut down to what a test can pay for, and stars with periods to show it."""

import dataclasses
import functools

import jax
import numpy as np

from lcjax.inference.loaded import Loaded
from lcjax.systems import PRESETS
from lcjax.systems.base_encoder.config import BaseModelConfig, SimulationConfig, ViewsConfig
from lcjax.systems.base_encoder.parts import views_of
from tests.inference.models import untrained
from tests.training.curves import CurveSource

LENGTH = 24


def small(prepared=False, simulated=0, **training):
    """The preset with a coarse grid, two candidates and narrow networks."""
    preset = PRESETS["lcjax-base"]()
    encoder = dataclasses.replace(
        preset.model.encoder,
        width=8,
        blocks=1,
        candidates=2,
        periodogram_bins=32,
        phase_bins=8,
        filters=2,
        projection=4,
    )
    decoder = dataclasses.replace(preset.model.decoder, width=8, harmonics=(1, 2), sharpness=(6.0,), days=(3.0,))
    settings = dict(steps=4, batch_size=8, evaluate_every=2, checkpoint_every=2, log_every=1)
    return dataclasses.replace(
        preset,
        model=BaseModelConfig(encoder, decoder),
        views=ViewsConfig(highest=0.5, lowest=0.01, span=100.0, peaks=4, harmonics=2),
        window=dataclasses.replace(preset.window, length=LENGTH),
        contrast=dataclasses.replace(preset.contrast, prepared=prepared, shares=(0.5, 0.7)),
        simulation=SimulationConfig(
            weight=2.0 if simulated else 0.0, stars=max(simulated, 1), classes=("EW", "RRab", "MIRA")
        ),
        objective=dataclasses.replace(preset.objective, likelihood_rows=4, likelihood_points=16),
        training=dataclasses.replace(preset.training, **(settings | training)),
    )


@functools.cache
def model():
    """Untrained, every weight random."""
    settings = small()
    return Loaded(settings, *untrained(settings))


@functools.cache
def views():
    """Views of a batch as the small preset has them, compiled once."""
    return jax.jit(views_of(small()))


@functools.cache
def answers():
    """(what `encode` gives, what `predict` gives) of a batch by the untrained model, compiled together."""
    task, variables = model().task, model().variables
    return jax.jit(lambda batch: (task.encode(variables, batch), task.predict(variables, batch)))


class Stars(CurveSource):
    """A split that knows its records, as `PreparedStars` wants them."""

    class_names, n_objects, split = ("a",), 13, "train"

    def describe(self):
        return {"objects": self.n_objects}

    @property
    def labels(self):
        return np.zeros(16, np.int32)

    @property
    def dataset_of_record(self):
        return np.full(16, "made up", object)

    def simulated_stars(self, count, classes, length, seed):
        """Sines, of every class the same number."""
        rng = np.random.default_rng(seed)
        label = (np.arange(count) % len(classes)).astype(np.int32)
        period = np.where(label == 0, np.nan, rng.uniform(3, 30, count)).astype(np.float32)
        time = np.sort(rng.uniform(0, 100, (count, length)), 1).astype(np.float32)
        magnitude = 13 + np.sin(2 * np.pi * time / np.nan_to_num(period, nan=7.0)[:, None]).astype(np.float32)
        series = {"time": time, "magnitude": magnitude, "magnitude_error": np.full_like(time, 0.05)}
        return series | {"mask": np.ones(time.shape, bool), "label": label, "period": period}

    def evaluation_batches(self):
        for index in range(2):
            batch = self.batch(1000, index)
            batch["weight"] = (np.arange(8) < (8 if index == 0 else 5)).astype(np.float32)
            yield batch | {"record": np.arange(8) + 8 * index, "object_id": np.arange(8).astype(str)}
