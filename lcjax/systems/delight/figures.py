"""Pictures of host answers: errors against the size of the host, and probabilities against what happened."""

from typing import TYPE_CHECKING

import numpy as np

from lcjax.evaluation.calibration import Reliability
from lcjax.evaluation.figures import plots
from lcjax.systems.delight.answers import HostAnswers
from lcjax.systems.delight.scores import catastrophic_limit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def error_figure(answers: HostAnswers) -> "Figure":
    """Error of every host against its radius, with the limit of catastrophic ones."""
    plt = plots()

    hosted = ~answers.hostless
    radius, error = answers.host_radius[hosted], np.maximum(answers.distance()[hosted], 0.02)
    figure, axes = plt.subplots(figsize=(6.5, 4), layout="constrained")
    axes.loglog(np.maximum(radius, 0.3), error, ".", ms=3, alpha=0.5, color="#3566a8")
    line = np.geomspace(0.3, max(60.0, radius.max(initial=1.0)), 50)
    axes.loglog(line, catastrophic_limit(line), color="#c0392b", lw=1, label="catastrophic above")
    axes.set(xlabel="radius of the host (arcsec)", ylabel="error (arcsec)")
    axes.legend(frameon=False)
    return figure


def reliability_figure(curves: dict[str, Reliability]) -> "Figure":
    """Predicted probabilities against shares of true outcomes."""
    plt = plots()

    figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#9aa3ad", lw=1)
    for name, curve in curves.items():
        axes.plot(curve.predicted, curve.happened, "o-", ms=4, label=f"{name} (calibration error {curve.error:.3f})")
    axes.set(xlabel="predicted probability", ylabel="share of true outcomes", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    return figure
