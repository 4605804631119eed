"""Toys with two updates a step on two streams of rows: one optimizer for both, or a part of the parameters for each."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.configs import Experiment, OptimizerConfig, TrainingConfig
from lcjax.global_batch import global_gather, global_mean
from lcjax.training.task import Task, Update

ROWS_OF = {"source": 8, "target": 16}


def labelled(params, model_state, batch, key, axis=None):
    """Squared errors of the source, noise by row; counts how often it ran."""
    rows = batch["source"]
    noise = jax.vmap(lambda row: jax.random.normal(jax.random.fold_in(key, row), (3,)))(rows["row"])
    predicted = jnp.tanh((rows["x"] + 0.1 * noise) @ params["encoder"]["kernel"]) @ params["head"]["kernel"]
    value = jnp.sqrt(global_mean((predicted[:, 0] - rows["y"]) ** 2, rows["weight"], axis) + 1e-6)
    total = jnp.sum(rows["weight"])
    state = {"seen": {"batches": model_state["seen"]["batches"] + 1}}
    return value, ({"source_error": (value * total, total)}, state)


def alike(params, model_state, batch, key, axis=None):
    """Every row of the target against every other one, by a random direction: nothing here is a mean over rows."""
    own = jnp.tanh(batch["target"]["x"] @ params["encoder"]["kernel"]) @ jnp.abs(params["head"]["kernel"][:, 1:])
    own = own * (1 + 0.1 * jax.random.normal(key, ()))
    pairs = jnp.exp(-((own - global_gather(own, axis).T) ** 2))
    value = -global_mean(pairs, jnp.ones((len(own), 1)), axis) / (8 * len(ROWS_OF))
    state = {"seen": {"batches": model_state["seen"]["batches"] + 1}}
    return value, ({"likeness": (jnp.sum(pairs), jnp.float32(pairs.size))}, state)


def two_task(updates, **more) -> Task:
    def init(key, batch):
        one, two = jax.random.split(key)
        params = {
            "encoder": {"kernel": jax.random.normal(one, (3, 5))},
            "head": {"kernel": jax.random.normal(two, (5, 2))},
        }
        return {"params": params, "seen": {"batches": jnp.zeros((), jnp.int32)}}

    def evaluate(variables, batch, key):
        _, (metrics, _) = labelled(variables["params"], {"seen": variables["seen"]}, batch, key)
        return {"error": metrics["source_error"]}

    array = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
    spec = {"source": {"x": array(2, 3), "y": array(2), "weight": array(2)}, "target": {"x": array(2, 3)}}
    return Task(
        name="two",
        init=init,
        updates=updates,
        evaluate=evaluate,
        predict=lambda v, b: {"y": jnp.tanh(b["source"]["x"] @ v["params"]["encoder"]["kernel"])},
        batch_spec=spec,
        **more,
    )


def shared(**more) -> Task:
    """As minimax entropy: both updates move all parameters by one optimizer."""
    return two_task((Update(labelled), Update(alike)), **more)


def parts(**more) -> Task:
    """As adversarial training: one update moves the head, the other one the encoder."""
    return two_task((Update(labelled, "^head/", "head"), Update(alike, "^encoder/", "encoder")), **more)


TASKS = {"shared": shared, "parts": parts}


class PairSource:
    """Two seeded streams; `poison`: batches whose target holds a NaN, which the first update never sees."""

    fingerprint = "pairs"

    def __init__(self, per_epoch=5, poison=()):
        self.per_epoch, self.poison = per_epoch, set(poison)

    def batch(self, epoch, index):
        rng = np.random.default_rng((epoch, index))
        x = {name: rng.normal(size=(rows, 3)).astype(np.float32) for name, rows in ROWS_OF.items()}
        if (epoch, index) in self.poison:
            x["target"][0, 0] = np.nan
        names = lambda name: np.array([f"{name} {epoch}.{index}.{i}" for i in range(ROWS_OF[name])])
        source = {"x": x["source"], "y": x["source"].sum(1), "weight": np.ones(8, np.float32), "id": names("source")}
        return {"source": source, "target": {"x": x["target"], "id": names("target")}}

    def train_batches(self, epoch=0, batch=0):
        while True:
            yield (epoch, batch), self.batch(epoch, batch)
            epoch, batch = (epoch, batch + 1) if batch + 1 < self.per_epoch else (epoch + 1, 0)

    def evaluation_batches(self):
        yield self.batch(1000, 0)
        yield self.batch(1000, 1)


@dataclasses.dataclass(frozen=True)
class TwoExperiment(Experiment):
    system: str = "two"


def two_fit(workdir, kind, source=None, **training):
    """Trains a toy; keywords are training settings."""
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    defaults = dict(steps=12, batch_size=8, log_every=2, evaluate_every=4, checkpoint_every=3, monitor="error")
    experiment = TwoExperiment(
        optimizer=OptimizerConfig(learning_rate=1e-2, warmup_steps=2, weight_decay=1e-2),
        training=TrainingConfig(**(defaults | training)),
    )
    source, record = source or PairSource(), experiment_record(experiment)
    return fit(TASKS[kind](), experiment, source, PairSource(), Path(workdir), config_record=record, quiet=True)
