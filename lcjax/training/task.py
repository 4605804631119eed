"""What the engine needs to know of a system: four pure functions and the shape of a batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lcjax.typing import Array, Metrics, PyTree


def _no_summary(means: dict[str, float]) -> dict[str, float]:
    return means


def _no_warnings(split: str, values: dict[str, float]) -> list[str]:
    return []


@dataclass(frozen=True)
class Task:
    """One trainable system.

    All functions are pure and jittable. `params` is the trained part of the variables, `model_state` every other
    collection (batch statistics, teachers, centres), `key` a typed PRNG key already folded with the step. Randomness
    that belongs to a row is keyed by `fold_in(key, batch["row"])`, so that it does not depend on how rows are spread
    over devices. A loss that is not a mean of per-row terms takes its sums through `lcjax.losses.global_sum`, which
    also adds over the devices of a `pmap`.
    """

    name: str
    init: Callable[[Array, dict], PyTree]
    """(key, batch) -> variables, `{"params": ..., other collections}`"""
    loss: Callable[[PyTree, PyTree, dict, Array], tuple[Array, tuple[Metrics, PyTree]]]
    """(params, model_state, batch, key) -> (scalar, (metrics, new model_state)); training behaviour (dropout, masks)"""
    evaluate: Callable[[PyTree, dict, Array], Metrics]
    """(variables, batch, key) -> metrics including "loss"; evaluation behaviour, key fixes the probed points"""
    predict: Callable[[PyTree, dict], dict[str, Array]]
    """(variables, batch) -> named outputs, first axis B"""
    batch_spec: dict[str, Any] = field(default_factory=dict)
    """Field name -> jax.ShapeDtypeStruct of the batch for `init` (B and L may differ at run time)"""
    summarize: Callable[[dict[str, float]], dict[str, float]] = _no_summary
    """Host-side: metric means -> what is reported (e.g. RMSE from mean squared error, R2 from two sums)"""
    warnings: Callable[[str, dict[str, float]], list[str]] = _no_warnings
    """Host-side: (split, reported values) -> sentences about a network that is not well; a run says each kind once"""
    flops: Callable[[int, int], float] | None = None
    """(rows, length) -> floating-point operations of one training step, closed form"""
    model: Any = None
    """The linen module behind the task"""
    full_length: bool = False
    """Padding matters: batches are always padded to the full length of `batch_spec` (published networks attend to it)"""
    extras: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """Further pure functions of a system that reports use, e.g. `reconstruct(variables, batch, key)`"""
