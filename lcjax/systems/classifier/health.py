"""What a trained stamp classifier looks at: live units, and scores with parts of its inputs taken away.

An input is taken away by giving every alert that of another one: what is left keeps its distribution, so that the
answers are not those to an image nobody has seen. The parts are the image, the metadata, and of the metadata the sky
position and the detection history, with which a network can learn the survey instead of the object.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.models.activity import live_units
from lcjax.systems.classifier.config import HISTORY_FEATURES, SKY_FEATURES
from lcjax.systems.classifier.metrics import HealthLimits, dead_branch_warnings, swap_rows
from lcjax.systems.classifier.task import with_images
from lcjax.training.source import device_part
from lcjax.training.task import Task
from lcjax.typing import Array, PyTree

WHOLE = "all inputs"


@dataclass(frozen=True)
class StampAnswers:
    """One pass over alerts: answers with all inputs and without parts of them."""

    probabilities: dict[str, np.ndarray]
    """`all inputs`, `without image`, ... -> (N, K)."""
    label: np.ndarray
    """(N,) int, -1 unknown."""
    object_id: np.ndarray
    live: dict[str, float]
    """Layer -> share of units that fire on at least one alert."""
    unanswered: int = 0
    """Alerts left out because an answer was not finite: a null spoils them where the network does not replace nulls."""

    def effect(self, name: str) -> float:
        """Mean total variation between the answers with all inputs and those `without <name>`."""
        change = np.abs(self.probabilities[WHOLE] - self.probabilities[f"without {name}"])
        return float(0.5 * change.sum(-1).mean())

    @property
    def effects(self) -> dict[str, float]:
        """Effect of every part taken away."""
        return {
            n.removeprefix("without "): self.effect(n.removeprefix("without "))
            for n in self.probabilities
            if n != WHOLE
        }

    def warnings(self, limits: HealthLimits) -> list[str]:
        """Sentences about dead branches; none for a network that is well."""
        values = {f"live_{name}": share for name, share in self.live.items()}
        return dead_branch_warnings(values | {f"{n}_effect": v for n, v in self.effects.items()}, limits)


def feature_groups(names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Part of the metadata -> (F,) bool of its features; parts the network does not take are left out."""
    sky = (*SKY_FEATURES, "sky_x", "sky_y", "sky_z")
    groups = {"metadata": names, "sky position": sky, "history": HISTORY_FEATURES}
    masks = {group: np.array([n in members for n in names], bool) for group, members in groups.items()}
    return {group: mask for group, mask in masks.items() if mask.any()}


def answer_alerts(task: Task, variables: PyTree, batches: Iterable[dict[str, Any]]) -> StampAnswers:
    """Runs a stamp classifier over evaluation batches, with and without every part of its inputs.

    Args:
      task: of `lcjax.systems.stamp_classifier.task`. variables: its weights.
      batches: with `label`, `object_id` and `weight` beside the inputs; rows of weight 0 are left out.

    Raises:
      DataError: there are no batches, or no answer is finite.
    """
    masks = feature_groups(tuple(task.extras["feature_names"]()))
    order = ("image", *masks)

    @jax.jit
    def answer(batch: dict) -> tuple[dict[str, Array], dict[str, Array]]:
        ready = task.extras["prepare"](batch)
        features, weight = ready["features"], batch["weight"]
        outputs, noted = task.extras["answer"](variables, ready)
        logits = {WHOLE: outputs["logits"]}
        cases = {"image": with_images(ready, lambda images: swap_rows(images, weight))}
        for name, mask in masks.items():
            cases[name] = ready | {"features": jnp.where(mask, swap_rows(features, weight), features)}
        for name, case in cases.items():
            logits[f"without {name}"] = task.extras["answer"](variables, case)[0]["logits"]
        return {name: jax.nn.softmax(x) for name, x in logits.items()}, live_units(noted, weight)

    parts: dict[str, list[np.ndarray]] = {}
    labels, objects, live = [], [], {}
    for batch in batches:
        real = np.asarray(batch["weight"]) > 0
        probabilities, fires = answer(device_part(batch))
        for name, value in probabilities.items():
            parts.setdefault(name, []).append(np.asarray(value)[real])
        for name, units in fires.items():
            live[name] = live.get(name, False) | np.asarray(units)
        labels.append(np.asarray(batch["label"])[real])
        objects.append(np.asarray(batch["object_id"], dtype=str)[real])
    if not labels:
        raise DataError("there are no alerts in this split: choose another with --split")
    whole = {name: np.concatenate(parts[name]) for name in (WHOLE, *(f"without {n}" for n in order))}
    finite = np.all([np.isfinite(value).all(-1) for value in whole.values()], axis=0)
    if not finite.any():
        raise DataError("the model has no finite answer to any of these alerts: it takes a column that is null in all")
    return StampAnswers(
        probabilities={name: value[finite] for name, value in whole.items()},
        label=np.concatenate(labels)[finite],
        object_id=np.concatenate(objects)[finite],
        live={name: float(units.mean()) for name, units in live.items()},
        unanswered=int((~finite).sum()),
    )
