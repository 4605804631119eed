"""What the engine needs to know of a system: pure functions, the shape of a batch, and what to call things."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import flax.linen as nn
import jax
import numpy as np
import optax

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.typing import Array, Axis, Batch, Encoded, Metrics, PyTree

MAIN = "main"
"""The optimizer of an update that names none."""


class Loss(Protocol):
    """What one update descends: a pure, jittable function with training behaviour (dropout, masks)."""

    def __call__(
        self, params: PyTree, model_state: PyTree, batch: Batch, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """(scalar, (metrics, new model_state)).

        Args:
          params: all parameters, also those the update does not train.
          model_state: every other collection (batch statistics, teachers, centres).
          batch: with `row` in every stream, the index of each row in the global batch. Randomness that belongs to a row
            is keyed by `fold_in(key, row)`, so that it does not depend on how rows are spread over devices.
          key: typed PRNG key, already folded with the step.
          axis: what the functions of `lcjax.global_batch` take; a loss that is not a mean of per-row terms sums through
            them.
        """


@dataclass(frozen=True)
class Update:
    """One change of the parameters. The updates of a step follow one another, each on the parameters of the one before.

    Updates that name the same optimizer share its state and train the same parameters; those that train different parts
    name their own.
    """

    loss: Loss
    trains: str = ""
    """Regular expression, searched in parameter paths `a/b/c`: the others are constants and nothing moves them, weight
    decay included. "": all."""
    optimizer: str = MAIN
    """Name of the optimizer."""


class Encode(Protocol):
    """An encoder of sequences: what a head, a probe or a user's own network is put on."""

    def __call__(self, variables: PyTree, batch: Batch, key: Array | None = None, axis: Axis = None) -> Encoded:
        """Raw windows -> `layers` and `mask`; pure, and differentiable with respect to the variables.

        Args:
          batch: windows as `batch_spec` has them, not standardised, every observed point shown.
          key: of dropout; None: no dropout.
          axis: as in `Loss`.

        Returns:
          `layers`, a tuple of (B, L, D) arrays: the input embedding, then the output of each block; `mask` (B, L) bool, the
          points that layers are pooled over.
        """


@dataclass(frozen=True)
class WorkUnit:
    """What a run's speed is counted in."""

    unit: str
    """Plural; the log has `<unit>_per_second`."""
    count: Callable[[Batch], float]
    """Host-side: how many a batch of this process holds, padding not counted."""


def count_rows(batch: Batch) -> float:
    """Rows of all streams of a batch.

    >>> count_rows({"x": np.zeros((3, 2)), "more": {"y": np.zeros(5)}})
    8.0
    """
    arrays = [value for value in batch.values() if not isinstance(value, dict)]
    streams = [value for value in batch.values() if isinstance(value, dict)]
    return float(len(arrays[0]) if arrays else 0) + sum(map(count_rows, streams))


ROWS = WorkUnit("rows", count_rows)


def _no_summary(means: dict[str, float]) -> dict[str, float]:
    return means


def _no_warnings(split: str, values: dict[str, float]) -> list[str]:
    return []


@dataclass(frozen=True)
class Packing:
    """How windows of different lengths are put together on a CPU when light curves are predicted."""

    ratio: float = 1.25
    """Of neighbouring padded lengths: by 1.25 a tenth of what is computed is padding, and a dozen shapes are compiled"""
    shortest: int = 16
    points: int = 256
    """Points that a core computes at once: activations of more leave its cache, of fewer the calls cost more than the products"""


@dataclass(frozen=True)
class Task:
    """One trainable system. All functions are pure and jittable unless they say host-side."""

    name: str
    init: Callable[[Array, Batch], PyTree]
    """(key, batch) -> variables, `{"params": ..., other collections}`"""
    updates: tuple[Update, ...]
    """What one step does, in order; most systems have one."""
    evaluate: Callable[[PyTree, Batch, Array], Metrics]
    """(variables, batch, key) -> metrics; evaluation behaviour, key fixes the probed points"""
    predict: Callable[[PyTree, Batch], dict[str, Array]]
    """(variables, batch) -> named outputs, first axis B"""
    receive: Callable[[Mapping[str, Any]], Batch] | None = None
    """Arrays as a caller has them (float64, lists, traced) -> what `predict` takes, checked; None: entries of `batch_spec`"""
    batch_spec: Batch = field(default_factory=dict)
    """Field name -> jax.ShapeDtypeStruct (or a stream of such) of the batch for `init`; B and L may differ at run time"""
    targets: Batch = field(default_factory=dict)
    """As `batch_spec`, of what the losses take beside it and `weight`, `row` and `label`, which every batch may have"""

    # --- training
    optimizers: Callable[[OptimizerConfig, int], optax.GradientTransformation | Mapping[str, Any]] | None = None
    """(settings, steps of the run) -> one optimizer, or one for every name the updates use; None: the common ones, along
    the schedule of the run. The count of an optimizer moves with every update that names it."""
    after_evaluation: Callable[[PyTree, dict[str, float]], PyTree] | None = None
    """Host-side: (state of the optimizers, means of the validation) -> the state to go on with, such as another learning rate"""
    sharding_rules: tuple[tuple[str, tuple[str | None, ...]], ...] = ()
    """Regular expression of a parameter path -> mesh axis (`model` or None) of each dimension; all else is replicated"""

    training_only: tuple[str, ...] = ()
    """Collections that nothing but training reads, such as a teacher's weights: what is exported goes without them"""

    # --- what a run says
    summarize: Callable[[dict[str, float]], dict[str, float]] = _no_summary
    """Host-side: metric means -> what is reported (e.g. RMSE from mean squared error, R2 from two sums)"""
    warnings: Callable[[str, dict[str, float]], list[str]] = _no_warnings
    """Host-side: (split, reported values) -> sentences about a network that is not well; a run says each kind once"""
    headline: tuple[str, ...] = ()
    """Reported values for the progress line, those that there are; none: the first three. The first, the smaller the better, tells
    evaluations apart that `TrainingConfig.monitor` finds equal; none: they stay equal"""
    work: WorkUnit = ROWS
    """What speed is counted in"""
    flops: Callable[[int, int], float] | None = None
    """(rows, length) -> floating-point operations of one training step, closed form"""

    # --- what others need
    encode: Encode | None = None
    """What each block makes of every point, where the network is an encoder of sequences"""
    model: nn.Module | None = None
    """The linen module behind the task"""
    full_length: bool = False
    """Padding matters to the model: predictions always pad to the full length of `batch_spec`"""
    packing: Packing = Packing()
    """Padded lengths and sizes of predictions of light curves"""
    any_length: bool = False
    """`predict` takes rows of any number of points, the second axis of the entries of `batch_spec`"""
    example: Callable[[int], Batch] | None = None
    """Host-side: number of rows -> made-up rows that make sense; None: random numbers of the shapes of `batch_spec`"""
    meaning: Mapping[str, Any] = field(default_factory=dict)
    """What a caller of an exported program must know beyond shapes: windows, names of classes and columns (JSON)"""
    extras: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Further pure functions of a system that reports use, e.g. `reconstruct(variables, batch, key)`"""

    def __post_init__(self) -> None:
        """Raises ConfigError for a task that trains nothing."""
        if not self.updates:
            raise ConfigError(f"the task '{self.name}' has no updates: give it at least one Update(loss)")

    @property
    def loss(self) -> Loss:
        """The loss of a task with one update.

        Raises:
          ConfigError: there are several.
        """
        if len(self.updates) > 1:
            raise ConfigError(f"the task '{self.name}' has {len(self.updates)} updates: take the loss of one of them")
        return self.updates[0].loss

    def made_up(self, rows: int) -> Batch:
        """Made-up rows as numpy arrays: `example`, or random numbers."""
        if self.example is not None:
            return self.example(rows)
        rng = np.random.default_rng(0)
        draw = lambda spec: rng.normal(size=(rows, *spec.shape[1:])).astype(spec.dtype)
        return jax.tree.map(draw, self.batch_spec)
