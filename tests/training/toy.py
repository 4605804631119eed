"""A tiny task and an in-memory source: cheap enough to kill twenty times."""

import dataclasses
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.configs import Experiment, OptimizerConfig, TrainingConfig
from lcjax.losses import global_mean
from lcjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class ToyModel:
    width: int = 8


@dataclasses.dataclass(frozen=True)
class ToyExperiment(Experiment):
    system: str = "toy"
    model: ToyModel = ToyModel()


def toy_experiment(optimizer=None, **training) -> ToyExperiment:
    defaults = dict(steps=20, batch_size=8, log_every=4, evaluate_every=8, checkpoint_every=5)
    return ToyExperiment(
        optimizer=optimizer or OptimizerConfig(learning_rate=1e-2, warmup_steps=2, weight_decay=1e-2),
        training=TrainingConfig(**(defaults | training)),
    )


def toy_task(width: int = 8) -> Task:
    """Regression with per-row noise, a root loss (not a mean over rows) and a running mean as model state."""

    def init(key, batch):
        one, two = jax.random.split(key)
        params = {
            "ffn_in": {"kernel": jax.random.normal(one, (4, width)) * 0.5, "bias": jnp.zeros(width)},
            "ffn_out": {"kernel": jax.random.normal(two, (width, 1)) * 0.5, "bias": jnp.zeros(1)},
        }
        return {"params": params, "state": {"mean": jnp.zeros(4)}}

    def forward(params, x):
        hidden = jnp.tanh(x @ params["ffn_in"]["kernel"] + params["ffn_in"]["bias"])
        return (hidden @ params["ffn_out"]["kernel"] + params["ffn_out"]["bias"])[:, 0]

    def errors(params, batch, noise):
        return (forward(params, batch["x"] + noise) - batch["y"]) ** 2

    def loss(params, model_state, batch, key):
        keys = jax.vmap(lambda r: jax.random.fold_in(key, r))(batch["row"])
        noise = 0.1 * jax.vmap(lambda k: jax.random.normal(k, (4,)))(keys)
        squared = errors(params, batch, noise)
        value = jnp.sqrt(global_mean(squared, batch["weight"]) + 1e-6)
        mean = 0.9 * model_state["state"]["mean"] + 0.1 * jnp.mean(batch["x"], axis=0)
        rows = jnp.sum(batch["weight"])
        return value, ({"loss": (value * rows, rows)}, {"state": {"mean": mean}})

    def evaluate(variables, batch, key):
        squared = errors(variables["params"], batch, 0.0) * batch["weight"]
        return {"loss": (jnp.sum(squared), jnp.sum(batch["weight"]))}

    return Task(
        name="toy",
        init=init,
        loss=loss,
        evaluate=evaluate,
        predict=lambda v, b: {"y": forward(v["params"], b["x"])},
        batch_spec={"x": jax.ShapeDtypeStruct((2, 4), jnp.float32), "y": jax.ShapeDtypeStruct((2,), jnp.float32)},
    )


class ToySource:
    """Seeded rows; `poison` positions hold NaN."""

    fingerprint = "toy"

    def __init__(self, batch_size=8, per_epoch=7, rank=0, ranks=1, poison=()):
        self.batch_size, self.per_epoch, self.rank, self.ranks = batch_size, per_epoch, rank, ranks
        self.poison = set(poison)

    def _batch(self, epoch, index):
        rng = np.random.default_rng((epoch, index))
        x = rng.normal(size=(self.batch_size, 4)).astype(np.float32)
        y = np.sin(x.sum(1)).astype(np.float32)
        if (epoch, index) in self.poison:
            x[0, 0] = np.nan
        part = slice(
            self.rank * self.batch_size // self.ranks, (self.rank + 1) * self.batch_size // self.ranks
        )
        rows = {"x": x, "y": y, "weight": np.ones(len(x), np.float32), "length": np.full(len(x), 4, np.int32)}
        return {name: value[part] for name, value in rows.items()}

    def train_batches(self, epoch=0, batch=0):
        while True:
            yield (epoch, batch), self._batch(epoch, batch)
            epoch, batch = (epoch, batch + 1) if batch + 1 < self.per_epoch else (epoch + 1, 0)

    def evaluation_batches(self):
        for index in range(2):
            yield self._batch(10_000, index)


def main(workdir: str, **training) -> None:
    """Trains the toy in `workdir` (a subprocess of the kill tests)."""
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    experiment = toy_experiment(**training)
    record = experiment_record(experiment, data={"fingerprint": "toy"})
    result = fit(
        toy_task(), experiment, ToySource(), ToySource(), Path(workdir), config_record=record, quiet=True
    )
    print(result.status, result.step)


if __name__ == "__main__":
    main(sys.argv[1], **{k: int(v) for k, v in (a.split("=") for a in sys.argv[2:])})
