"""A tiny task and an in-memory source: every contract of the real ones, cheap enough to kill twenty times."""

import dataclasses
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.configs import Experiment, OptimizerConfig, TrainingConfig
from lcjax.losses import global_mean
from lcjax.training.task import Task, Update, WorkUnit


@dataclasses.dataclass(frozen=True)
class ToyModel:
    width: int = 8


@dataclasses.dataclass(frozen=True)
class ToyExperiment(Experiment):
    system: str = "toy"
    model: ToyModel = ToyModel()


def toy_experiment(optimizer=None, width=8, **training) -> ToyExperiment:
    defaults = dict(steps=20, batch_size=8, log_every=4, evaluate_every=8, checkpoint_every=5)
    return ToyExperiment(
        model=ToyModel(width),
        optimizer=optimizer or OptimizerConfig(learning_rate=1e-2, warmup_steps=2, weight_decay=1e-2),
        training=TrainingConfig(**(defaults | training)),
    )


def toy_task(width: int = 8) -> Task:
    """Regression on moments of a window, with per-row noise, a root loss (no mean over rows) and a running mean."""

    def init(key, batch):
        one, two = jax.random.split(key)
        weak = jnp.where(jnp.arange(width) < 0, 1.0, 0.0)  # a weakly typed leaf, which must not compile twice
        params = {
            "ffn_in": {"kernel": jax.random.normal(one, (4, width)) * 0.5, "bias": weak},
            "ffn_out": {"kernel": jax.random.normal(two, (width, 1)) * 0.5, "bias": jnp.zeros(1)},
        }
        return {"params": params, "state": {"mean": jnp.zeros(4), "batches": jnp.zeros((), jnp.int32)}}

    def moments(batch):
        m, mask = batch["magnitude"], batch["mask"]
        powers = jnp.stack([m, m**2, jnp.sin(m), jnp.cos(m)], -1) * mask[..., None]
        return jnp.sum(powers, 1) / jnp.maximum(jnp.sum(mask, 1), 1)[:, None]

    def forward(params, x):
        hidden = jnp.tanh(x @ params["ffn_in"]["kernel"] + params["ffn_in"]["bias"])
        return (hidden @ params["ffn_out"]["kernel"] + params["ffn_out"]["bias"])[:, 0]

    def loss(params, model_state, batch, key, axis=None):
        keys = jax.vmap(lambda r: jax.random.fold_in(key, r))(batch["row"])
        x = moments(batch)
        noise = 0.1 * jax.vmap(lambda k: jax.random.normal(k, (4,)))(keys)
        squared = (forward(params, x + noise) - batch["y"]) ** 2
        value = jnp.sqrt(global_mean(squared, batch["weight"], axis) + 1e-6)
        state = model_state["state"]
        mean = 0.9 * state["mean"] + 0.1 * jnp.mean(x, axis=0)
        rows = jnp.sum(batch["weight"])
        new_state = {"state": {"mean": mean, "batches": state["batches"] + 1}}
        return value, ({"loss": (value * rows, rows)}, new_state)

    def evaluate(variables, batch, key):
        squared = (forward(variables["params"], moments(batch)) - batch["y"]) ** 2 * batch["weight"]
        return {"loss": (jnp.sum(squared), jnp.sum(batch["weight"]))}

    shapes = {"magnitude": ((2, 6), jnp.float32), "mask": ((2, 6), jnp.bool_), "y": ((2,), jnp.float32)}
    return Task(
        name="toy",
        init=init,
        updates=(Update(loss),),
        evaluate=evaluate,
        predict=lambda v, b: {"y": forward(v["params"], moments(b))},
        batch_spec={name: jax.ShapeDtypeStruct(*spec) for name, spec in shapes.items()},
        summarize=lambda means: {**means, "rmse": means["loss"] ** 0.5},
        sharding_rules=(
            (r"ffn_in/kernel$", (None, "model")),
            (r"ffn_in/bias$", ("model",)),
            (r"ffn_out/kernel$", ("model", None)),
        ),
        work=WorkUnit("points", lambda batch: float(batch["mask"].sum())),
    )


class ToySource:
    """Seeded ragged rows. `poison`: (epoch, batch) that hold a NaN; `buckets`: lengths that batches are padded to."""

    def __init__(self, batch_size=8, per_epoch=7, rank=0, ranks=1, poison=(), buckets=(6,), pause=0.0):
        self.batch_size, self.per_epoch, self.rank, self.ranks = batch_size, per_epoch, rank, ranks
        self.poison, self.buckets, self.pause = set(poison), buckets, pause
        self.fingerprint = f"toy {per_epoch}"

    def batch(self, epoch, index):
        rng = np.random.default_rng((epoch, index))
        rows, longest = self.batch_size, self.buckets[rng.integers(len(self.buckets))]
        length = rng.integers(1, longest + 1, rows).astype(np.int32)
        mask = np.arange(longest) < length[:, None]
        magnitude = np.where(mask, rng.normal(size=(rows, longest)), 0.0).astype(np.float32)
        y = np.sin(3 * magnitude.sum(1) / length).astype(np.float32)
        if (epoch, index) in self.poison:
            magnitude[0, 0] = np.nan
        batch = {
            "magnitude": magnitude,
            "mask": mask,
            "length": length,
            "y": y,
            "weight": np.ones(rows, np.float32),
            "object_id": np.array([f"star {epoch}.{index}.{i}" for i in range(rows)], dtype=object),
        }
        part = slice(self.rank * rows // self.ranks, (self.rank + 1) * rows // self.ranks)
        return {name: value[part] for name, value in batch.items()}

    def train_batches(self, epoch=0, batch=0):
        while True:
            time.sleep(self.pause)
            yield (epoch, batch), self.batch(epoch, batch)
            epoch, batch = (epoch, batch + 1) if batch + 1 < self.per_epoch else (epoch + 1, 0)

    def evaluation_batches(self):
        yield self.batch(10_000, 0)
        last = self.batch(10_000, 1)
        last["weight"] = last["weight"] * (np.arange(len(last["weight"])) < (self.rank == 0))
        yield last


def toy_fit(workdir, source=None, validation=True, initial_variables=None, optimizer=None, **training):
    """Trains the toy; keywords are training settings."""
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    experiment = toy_experiment(optimizer, **training)
    source = source or ToySource(experiment.training.batch_size)
    return fit(
        toy_task(experiment.model.width),
        experiment,
        source,
        ToySource(source.batch_size, rank=source.rank, ranks=source.ranks) if validation else None,
        Path(workdir),
        config_record=experiment_record(experiment),
        initial_variables=initial_variables,
        quiet=True,
    )


def main(workdir: str, **training) -> None:
    """Trains the toy in `workdir` (a subprocess of the kill tests); `pause_ms` slows every batch down."""
    from lcjax.errors import LcjaxError

    pause = training.pop("pause_ms", 0) / 1000
    print("training", flush=True)
    try:
        result = toy_fit(workdir, ToySource(pause=pause), **training)
    except LcjaxError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(result.status, result.step, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], **{k: int(v) for k, v in (a.split("=") for a in sys.argv[2:])})
