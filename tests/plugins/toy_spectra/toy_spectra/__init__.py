"""Redshifts of spectra: a kind of data and a system that lcjax has never heard of."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from data_pipelines.kinds import Kind
from data_pipelines.shards.layout import RecordLayout
from lcjax.configs import Experiment, OptimizerConfig, TrainingConfig
from lcjax.errors import Rejection
from lcjax.evaluation.intervals import interval, resampled_sums
from lcjax.evaluation.scores import Scores, Section, Table
from lcjax.losses import global_mean
from lcjax.systems import System
from lcjax.training.task import Task, Update


# --- the kind of data: what a record holds, and how raw files become records
class Spectra(Kind):
    """Spectra with redshifts."""

    name = "spectra"
    unit = "spectra"
    layout = RecordLayout("spectra", series={"flux": ("length",)}, floats=("redshift",))

    def read_files(self, paths, settings, report):
        """One spectrum a file."""
        for path in sorted(file for path in paths for file in (path.glob("*.txt") if path.is_dir() else [path])):
            try:
                redshift, *flux = map(float, path.read_text().split())
            except ValueError as error:
                yield Rejection(path.stem, f"no spectrum: {error}", str(path))
                continue
            yield self.layout.encode(path.stem, flux=np.array(flux), redshift=redshift)


KIND = Spectra()


# --- the network: arrays in, arrays out
class Network(nn.Module):
    """Mean over the pixels of what each says, times where it is."""

    width: int

    @nn.compact
    def __call__(self, batch, deterministic=True, axis=None):
        """`flux` (B, L), `mask` (B, L) bool -> `redshift` (B,)."""
        flux, mask = batch["flux"], batch["mask"][..., None]
        place = jnp.broadcast_to(jnp.linspace(-1, 1, flux.shape[1]), flux.shape)
        x = nn.relu(nn.Dense(self.width)(jnp.stack([flux, flux * place], -1)))
        mean = jnp.sum(x * mask, 1) / jnp.maximum(jnp.sum(mask, 1), 1)
        return {"redshift": nn.Dense(1)(mean)[:, 0]}


# --- the system: settings, task, scores
@dataclasses.dataclass(frozen=True)
class RedshiftExperiment(Experiment):
    """Regression of redshifts."""

    system: str = "redshifts"
    width: int = 16
    pixels: int = 64
    """Longest spectrum."""


def toy_redshifts():
    """Redshifts of toy spectra: nothing is published of them.

    lcjax train toy-redshifts --data D --workdir W
    """
    training = TrainingConfig(steps=40, batch_size=8, evaluate_every=20, checkpoint_every=10, log_every=10)
    return RedshiftExperiment(optimizer=OptimizerConfig(learning_rate=1e-2), training=training)


class Redshifts(System):
    """Redshifts of spectra."""

    name = "redshifts"
    kind = "spectra"
    experiment = RedshiftExperiment
    presets = {"toy-redshifts": toy_redshifts}

    def adapt(self, experiment, data):
        """As many pixels as the longest spectrum has."""
        return dataclasses.replace(experiment, pixels=int(data.index.length.max()))

    def build_task(self, experiment):
        """Least squares."""
        model = Network(experiment.width)

        def loss(params, model_state, batch, key, axis=None):
            error = (model.apply({"params": params}, batch)["redshift"] - batch["redshift"]) ** 2
            value = global_mean(error, batch["weight"], axis)
            count = jnp.sum(batch["weight"])
            return value, ({"loss": (value * count, count)}, model_state)

        spec = {
            "flux": jax.ShapeDtypeStruct((2, experiment.pixels), jnp.float32),
            "mask": jax.ShapeDtypeStruct((2, experiment.pixels), jnp.bool_),
        }
        return Task(
            name=self.name,
            init=lambda key, batch: model.init(key, batch),
            updates=(Update(loss),),
            evaluate=lambda variables, batch, key: loss(variables["params"], {}, batch, key)[1][0],
            predict=model.apply,
            batch_spec=spec,
            model=model,
        )

    def evaluate(self, loaded, data, options):
        """Root mean square error, with an interval over spectra."""
        predict = jax.jit(functools.partial(loaded.task.predict, loaded.variables))
        squares = []
        for batch in data.evaluation_batches():
            found = predict({name: batch[name] for name in ("flux", "mask")})["redshift"]
            squares += ((found - batch["redshift"]) ** 2)[batch["weight"] > 0].tolist()
        draws = np.sqrt(resampled_sums(np.array(squares)[:, None])[:, 0] / len(squares))
        rms = interval(np.sqrt(np.mean(squares)), draws)
        table = Table(("spectra", "root mean square error"), [(len(squares), rms)])
        return Scores("Redshifts", [table], {"rms": rms.value}, [(str(rms), "error")], [Section("Scores", [table])])


SYSTEM = Redshifts()
