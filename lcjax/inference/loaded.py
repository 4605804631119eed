"""A trained system, ready to run: the same thing for every system."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from lcjax.configs import Experiment
from lcjax.inference.raw_batch import check_finite, received
from lcjax.training.task import Task
from lcjax.typing import Array, PyTree
from lcjax.version import __version__


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What `lcjax.load` gives: a network with its preprocessing. `predict` composes with `jit`, `vmap` and `grad`.

    Unpacks as `model, variables = lcjax.load(...)`, where `model.apply(variables, batch)` takes raw arrays as well.
    """

    experiment: Experiment
    """Its settings."""
    task: Task
    """Its pure functions."""
    variables: PyTree
    """Its weights and further collections, as numpy arrays."""
    folder: Path = Path()
    """Where it lies."""
    record: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What its `config.json` holds."""

    @property
    def model(self) -> nn.Module:
        """The bare linen module, without preprocessing: it takes what `predict` makes of a raw batch."""
        return self.task.model

    def predict(self, batch: Mapping[str, Any], variables: PyTree | None = None) -> dict[str, Array]:
        """Answers for a batch of raw arrays, the numbers of `lcjax predict`.

        For any number of light curves, and for what an encoder makes of windows, points and layers, see
        `lcjax.inference.LightCurvePredictor.of(loaded, level="point")`; in `jit` and `grad` see `task.encode`.

        Args:
          batch: any number of rows of
            light curves: `time` (days, as the file has them), `magnitude`, `magnitude_error` (mag) and `mask`
            (True where there is a point), (rows, points) each, of any length; points that are not finite are left out. An encoder
            of several bands also takes `band`, names or slots, one for each point (rows, points) or row (rows,); lcjax-base takes `flux`
            and `flux_error` in place of magnitudes, negative ones among them, all bands in one zero point;
            alerts: `stamps` (rows, H, W, 3) in the survey's units, missing pixels NaN, `metadata` (rows, columns) in the
            order of `task.meaning["metadata_names"]`, `ra` and `dec` (rows,) in degrees, and `survey` (`ztf`, `lsst`, `atlas`,
            or `any`; one for all or one a row, outside of `jit`), without which only stamps of the size of
            `task.meaning["surveys"]` are answered;
            host fields: `images` (rows, S, S) on the grid of `experiment.image`, with `mask` (rows, S, S), the pixels of
            detected sources, where `experiment.image.mask` says so; or stacks as `stamps`;
            other systems: the entries of `task.batch_spec`.
            Give float64 times outside of `jit`: float32, which is what goes in there, holds an MJD only to 5.6 minutes.
          variables: others than its own, for gradients with respect to weights.

        Raises:
          DataError: entries are missing or misshapen, or a row gives no finite answer (rows inside of `jit` cannot be
            told of: light curves without points give 0 there, alerts spoilt by a null NaN). ConfigError: the model
            needs another kind of input.
        """
        receive = self.task.receive
        ready = received(self.task.batch_spec, batch) if receive is None else receive(batch)
        with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
            outputs = jax.jit(self.task.predict)(self.variables if variables is None else variables, ready)
        check_finite(outputs)
        return outputs

    def apply(self, variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        """As `predict`, by the calling convention of linen modules."""
        return self.predict(batch, variables)

    def __iter__(self) -> Iterator[Any]:
        yield from (self, self.variables)

    def identity(self) -> str:
        """Tells models apart: system, settings and a digest of the weights."""
        digest = hashlib.sha256()
        for leaf in jax.tree.leaves(self.variables):
            digest.update(np.ascontiguousarray(leaf).tobytes())
        system, settings = self.experiment.system, self.record.get("config_hash", "?")
        return f"{system}, settings {settings}, weights {digest.hexdigest()[:16]}"

    def work_identity(self, options: Mapping[str, Any]) -> str:
        """Of everything but the input that answers depend on: model, options, versions and device."""
        made_by = f"lcjax {__version__}, jax {jax.__version__}, {jax.devices()[0].device_kind}"
        return f"{self.identity()}, {made_by}, {sorted(options.items())}"

    def replace(self, **changes: Any) -> "Loaded":
        """The same with other parts."""
        return dataclasses.replace(self, **changes)
