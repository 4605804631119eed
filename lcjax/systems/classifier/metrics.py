"""What every classifier task shares: metric sums of accuracy and F1, swapped inputs, and warnings of dead branches."""

from collections.abc import Sequence
from typing import Protocol

import jax.numpy as jnp

from lcjax.evaluation.classification import f1_score
from lcjax.typing import Array, Metrics


def class_metrics(logits: Array, label: Array, weight: Array, class_names: Sequence[str]) -> Metrics:
    """Sums of accuracy and, per class, recall and precision.

    Args:
      logits: (B, K). label: (B,) int, -1 unknown. weight: (B,), 0 for rows without a label.
      class_names: K names; metrics are `recall_<name>` and `precision_<name>`.
    """
    best = jnp.argmax(logits, axis=-1)
    right = (best == label).astype(jnp.float32) * weight
    sums: Metrics = {"accuracy": (jnp.sum(right), jnp.sum(weight))}
    for k, name in enumerate(class_names):
        hits = jnp.sum(right * (label == k))
        sums[f"recall_{name}"] = (hits, jnp.sum(weight * (label == k)))
        sums[f"precision_{name}"] = (hits, jnp.sum(weight * (best == k)))
    return sums


def summarize_classes(means: dict[str, float]) -> dict[str, float]:
    """Replaces per-class precision by `macro_f1`, the mean F1 over classes with labels; keeps the recalls.

    Likewise the mean cross entropies of single classes (`class_loss_*`) by their mean, `balanced_loss`.

    >>> means = {"loss": 1.0, "recall_SN": 1.0, "precision_SN": 0.5, "recall_VS": 0.0, "precision_VS": float("nan")}
    >>> round(summarize_classes(means)["macro_f1"], 4)
    0.3333
    """
    kept = {k: v for k, v in means.items() if not k.startswith(("precision_", "class_loss_"))}
    losses = [v for k, v in means.items() if k.startswith("class_loss_") and v == v]
    if losses:
        kept["balanced_loss"] = sum(losses) / len(losses)
    names = [n.removeprefix("recall_") for n, recall in means.items() if n.startswith("recall_") and recall == recall]
    if not names:
        return kept
    scores = f1_score([means[f"recall_{n}"] for n in names], [means[f"precision_{n}"] for n in names])
    return {**kept, "macro_f1": float(scores.mean())}


def swap_rows(x: Array, weight: Array) -> Array:
    """Gives every row with weight the values of another one, half the batch away; rows without weight keep theirs.

    Args:
      x: (B, ...). weight: (B,); rows that fill up the batch (weight 0) come last.

    >>> swap_rows(jnp.arange(5), jnp.array([1, 1, 1, 1, 0])).tolist()
    [2, 3, 0, 1, 4]
    """
    count = jnp.sum(weight > 0)
    index = jnp.arange(x.shape[0])
    other = (index + count // 2) % jnp.maximum(count, 1)
    return x[jnp.where(index < count, other, index)]


class HealthLimits(Protocol):
    """Where a branch counts as dead."""

    live_units: float
    effect: float


def dead_branch_warnings(values: dict[str, float], limits: HealthLimits) -> list[str]:
    """Sentences about layers without live units (`live_*`) and inputs that do not matter (`*_effect`).

    >>> from lcjax.systems.classifier.config import HealthConfig
    >>> dead_branch_warnings({"live_conv_4": 0.0, "live_dense_3": 0.5, "image_effect": 0.2}, HealthConfig())
    ['dead branch: at most 0.0 % of the units of conv_4 ever fire; lower --optimizer.learning-rate, lengthen ...']
    """
    texts = []
    dead = [n.removeprefix("live_") for n, v in values.items() if n.startswith("live_") and v <= limits.live_units]
    if dead:
        share = 100 * max(values[f"live_{n}"] for n in dead)
        texts.append(
            f"dead branch: at most {share:.1f} % of the units of {', '.join(dead)} ever fire; lower --optimizer.learning-rate, "
            "lengthen --optimizer.warmup-steps or use --model.norm group, and start again"
        )
    for name in ("image", "metadata"):
        if values.get(f"{name}_effect", 1.0) <= limits.effect:
            texts.append(f"dead branch: swapping the {name} between alerts changes no answer, so the {name} is ignored")
    return texts
