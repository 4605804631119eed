"""What each domain's probabilities are worth, before and after a temperature and the shares of its classes: table and diagram."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lcjax.evaluation.calibration import reliability
from lcjax.evaluation.prior_shift import Recalibrated, recalibrate, softmax
from lcjax.evaluation.scores import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST = 10
"""Labelled images of a domain below which nothing is fitted."""


def recalibrated(answers: Mapping[str, Any], training_shares: np.ndarray) -> dict[str, Recalibrated]:
    """Domain -> its recalibration, of those with enough labels of several classes.

    Args:
      answers: domain -> `logits` (N, K), `label`, `object_id`. training_shares: of classes the model learned with, (K,).
    """
    found = {}
    for domain, own in answers.items():
        known = own.label[own.label >= 0]
        if len(known) >= _FEWEST and len(np.unique(known)) > 1:
            found[domain] = recalibrate(own.logits, own.label, own.object_id, training_shares)
    return found


def calibration_table(found: Mapping[str, Recalibrated], names: tuple[str, ...]) -> Table:
    """A row a domain."""
    header = (
        "domain",
        "by",
        "temperature",
        "shares of classes",
        f"cut on {names[-1]}",
        "calibration error",
        "balanced accuracy",
    )
    rows = [
        (
            domain,
            r.way,
            f"{r.temperature:.2f}",
            ", ".join(f"{name} {share:.2f}" for name, share in zip(names, r.shares, strict=True)),
            "-" if r.threshold is None else f"{r.threshold:.3f}",
            f"{r.error_before:.3f} to {r.error_after:.3f}",
            f"{r.balanced_before:.3f} to {r.balanced_after:.3f}",
        )
        for domain, r in found.items()
    ]
    return Table(header, rows, "Recalibrated, cross-fitted over objects; what does not help is left out")


def assumed(answers: Mapping[str, Any], found: Mapping[str, Recalibrated]) -> list[str]:
    """A sentence for every domain whose labels are too few to recalibrate by.

    >>> from types import SimpleNamespace
    >>> assumed({"target": SimpleNamespace(label=np.array([-1, 0]))}, {})[0][:62]
    'target: 1 labelled images of 1 classes are too few to recalibr'
    """
    lines = []
    for domain, own in answers.items():
        known = own.label[own.label >= 0]
        if domain not in found:
            lines.append(
                f"{domain}: {len(known)} labelled images of {len(np.unique(known))} classes are too few to recalibrate by ({_FEWEST} of two "
                "are needed): its probabilities are taken as they are, which assumes that they mean there what they meant in training, "
                "classes as frequent as in training included"
            )
    return lines


def reliability_diagram(answers: Mapping[str, Any], found: Mapping[str, Recalibrated], name: str) -> "Figure":
    """How often the last class is right by its probability, before and after, a panel a domain."""
    from lcjax.evaluation.figures import plots

    plt = plots()
    figure, axes = plt.subplots(1, len(found), figsize=(4.2 * len(found), 4), squeeze=False)
    for axis, (domain, own) in zip(axes[0], found.items(), strict=True):
        known = answers[domain].label >= 0
        outcome = answers[domain].label[known] == own.probabilities.shape[1] - 1
        for text, values in (("before", softmax(answers[domain].logits[known])), ("after", own.probabilities)):
            curve = reliability(values[:, -1], outcome)
            axis.plot(
                curve.predicted, curve.happened, marker="o", markersize=3, label=f"{text}, error {curve.error:.3f}"
            )
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        axis.set(xlabel=f"probability of {name}", ylabel="share that is", title=domain, xlim=(0, 1), ylim=(0, 1))
        axis.legend(frameon=False, fontsize=8)
    return figure


def as_values(found: Mapping[str, Recalibrated]) -> dict[str, Any]:
    """For `scores.json`."""
    return {
        domain: {
            "way": r.way,
            "temperature": r.temperature,
            "class_shares": r.shares.tolist(),
            "threshold": r.threshold,
            "calibration_error": [r.error_before, r.error_after],
            "balanced_accuracy": [r.balanced_before, r.balanced_after],
        }
        for domain, r in found.items()
    }
