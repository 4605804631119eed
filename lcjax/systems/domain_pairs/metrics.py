"""Metric sums of both domains, balanced accuracy, and what tells that answers have collapsed."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from lcjax.losses import cross_entropy, entropy, label_weight
from lcjax.systems.classifier.metrics import class_metrics, summarize_classes
from lcjax.systems.domain_pairs.config import CollapseConfig
from lcjax.typing import Array, Metrics

SHARE = "unlabelled_share_"
ENTROPY = "unlabelled_entropy"


def scored(logits: Array, label: Array, weight: Array, class_names: Sequence[str]) -> Metrics:
    """Loss, accuracy, recalls and precisions of labelled rows."""
    rows = label_weight(label, weight)
    loss = {"loss": (jnp.sum(cross_entropy(logits, label) * rows), jnp.sum(rows))}
    return loss | class_metrics(logits, label, rows, class_names)


def unlabelled_answers(logits: Array, weight: Array) -> Metrics:
    """Mean entropy of the answers, and the share of rows that each class gets."""
    total, best = jnp.sum(weight), jnp.argmax(logits, axis=-1)
    shares = {f"{SHARE}{k}": (jnp.sum(weight * (best == k)), total) for k in range(logits.shape[-1])}
    return {ENTROPY: (jnp.sum(entropy(logits) * weight), total)} | shares


def summarize(means: dict[str, float]) -> dict[str, float]:
    """Adds `balanced_accuracy`, the mean recall of the classes that have labels, and `unlabelled_largest_share`.

    >>> means = {"recall_a": 1.0, "precision_a": 0.5, "recall_b": 0.5, "precision_b": 1.0, "recall_c": float("nan")}
    >>> summarize(means)["balanced_accuracy"]
    0.75
    """
    kept = summarize_classes({k: v for k, v in means.items() if not k.startswith(SHARE)})
    recalls = [v for k, v in means.items() if k.startswith("recall_") and v == v]
    if recalls:
        kept["balanced_accuracy"] = sum(recalls) / len(recalls)
    if shares := [v for k, v in means.items() if k.startswith(SHARE)]:
        kept["unlabelled_largest_share"] = max(shares)
    return kept


def collapse_warnings(values: dict[str, float], limits: CollapseConfig, classes: int) -> list[str]:
    """A sentence where the answers to unlabelled images are sure and all the same.

    >>> collapse_warnings({"unlabelled_entropy": 0.0, "unlabelled_largest_share": 1.0}, CollapseConfig(), 2)[0][:9]
    'collapse:'
    """
    share, sure = values.get("unlabelled_largest_share"), values.get(ENTROPY)
    if share is None or sure is None or share < limits.share or sure > limits.entropy * math.log(classes):
        return []
    return [
        f"collapse: {100 * share:.1f} % of the unlabelled target images get one class, with an entropy of {sure:.4f} nats: lower "
        "--objective.weight or the learning rate, or give more shots, and start again"
    ]


def probabilities(logits: Array) -> Array:
    """Softmax in float32."""
    return jax.nn.softmax(logits.astype(jnp.float32))
