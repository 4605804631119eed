"""Which parameters each update of a task trains, and the optimizers that train them.

A part of the parameters is the tree with None in place of the leaves that are not in it: jax and optax see no leaf there,
and the paths of the others stay what they are.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

import jax
import optax

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.training.optimizers import build_optimizer
from lcjax.training.task import Task
from lcjax.training.tree_paths import path_name
from lcjax.typing import PyTree

Optimizers: TypeAlias = optax.GradientTransformation | Mapping[str, optax.GradientTransformation]
"""One for all updates, or by the names that the updates use."""


def part_of(params: PyTree, pattern: str) -> PyTree:
    """The leaves whose path `a/b/c` holds `pattern`; None in place of the others.

    >>> part_of({"encoder": {"kernel": 1}, "head": {"kernel": 2}}, "^head/")
    {'encoder': {'kernel': None}, 'head': {'kernel': 2}}
    """
    if not pattern:
        return params
    keep = lambda path, leaf: leaf if re.search(pattern, path_name(path)) else None
    return jax.tree_util.tree_map_with_path(keep, params)


def with_part(params: PyTree, part: PyTree) -> PyTree:
    """All parameters, those of `part` in place of the old ones.

    >>> with_part({"encoder": 1, "head": 2}, {"encoder": None, "head": 3})
    {'encoder': 1, 'head': 3}
    """
    return jax.tree.map(lambda new, old: old if new is None else new, part, params, is_leaf=lambda x: x is None)


def optimizer_names(task: Task) -> tuple[str, ...]:
    """Names of the optimizers in the order of first use."""
    return tuple(dict.fromkeys(update.optimizer for update in task.updates))


def task_optimizers(task: Task, config: OptimizerConfig, steps: int) -> dict[str, optax.GradientTransformation]:
    """The optimizers of a run of `steps` steps.

    Raises:
      ConfigError: the task's own do not have the names that its updates use.
    """
    if task.optimizers is not None:
        return by_name(task, task.optimizers(config, steps))
    uses = [update.optimizer for update in task.updates]
    return {name: build_optimizer(config, steps, updates_per_step=uses.count(name)) for name in optimizer_names(task)}


def by_name(task: Task, given: Optimizers) -> dict[str, optax.GradientTransformation]:
    """Optimizers by name.

    Raises:
      ConfigError: names that are not those of the updates.
    """
    names = optimizer_names(task)
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    if set(given) != set(names):
        raise ConfigError(
            f"the task '{task.name}' has the optimizers {', '.join(sorted(given)) or 'none'}, and its updates use "
            f"{', '.join(sorted(names))}: give one for each name"
        )
    return dict(given)


def init_optimizers(task: Task, given: Optimizers, params: PyTree) -> PyTree:
    """State of all optimizers: the bare state of a single one, else a dict by name.

    Raises:
      ConfigError: an update trains nothing, or updates with one optimizer train different parameters.
    """
    patterns: dict[str, str] = {}
    for update in task.updates:
        pattern = patterns.setdefault(update.optimizer, update.trains)
        if not _paths(params, update.trains):
            raise ConfigError(
                f"an update of the task '{task.name}' trains '{update.trains}', and no parameter path holds that"
            )
        if _paths(params, pattern) != _paths(params, update.trains):
            raise ConfigError(
                f"updates of the task '{task.name}' share the optimizer '{update.optimizer}' and train different "
                f"parameters ('{pattern}', '{update.trains}'): give each its own optimizer name"
            )
    states = {name: optimizer.init(part_of(params, patterns[name])) for name, optimizer in by_name(task, given).items()}
    return next(iter(states.values())) if len(states) == 1 else states


def _paths(params: PyTree, pattern: str) -> list[str]:
    leaves = jax.tree_util.tree_leaves_with_path(part_of(params, pattern))
    return [path_name(path) for path, _ in leaves]
