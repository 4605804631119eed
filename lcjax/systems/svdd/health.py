"""Whether a hypersphere has collapsed: a network that answers alike for all finds nothing, and its loss looks excellent."""

from collections.abc import Mapping

import numpy as np

from lcjax.models.svdd_config import DetectorModelConfig

_LEAST_SPREAD = 1e-3
"""Of scores or latents, over their size; working detectors have 0.1 and more."""


def collapse_warnings(values: Mapping[str, float]) -> list[str]:
    """Sentences about reported values (`score_spread`, `latent_spread`, `mean_score`).

    >>> collapse_warnings({"score_spread": 0.5, "latent_spread": 0.7, "mean_score": 1.0})
    []
    """
    found = []
    if values.get("mean_score", 1.0) < 1e-12 or values.get("score_spread", 1.0) < _LEAST_SPREAD:
        found.append(
            "the hypersphere has collapsed: all objects have the same anomaly score, so that nothing is found; a smaller "
            "learning rate, --model.biases False or fewer updates help"
        )
    elif values.get("latent_spread", 1.0) < _LEAST_SPREAD:
        found.append("the latents of all objects are the same: the hypersphere has collapsed, or is about to")
    return found


def structure_warnings(config: DetectorModelConfig, centres: int) -> list[str]:
    """Sentences about a network by which a hypersphere can be met without a look at the input (Ruff et al. 2018, prop. 2)."""
    if config.final_bias:
        return [
            "the latent layer has a bias: it can meet the centre whatever the input is, so that the hypersphere may collapse; "
            "leave --model.final-bias False"
        ]
    if centres == 1 and config.biases:
        return [
            "a hypersphere with one centre and biases in its hidden layers can collapse (as published): watch score_spread, or "
            "give --model.biases False"
        ]
    return []


def latent_warnings(latent: np.ndarray, score: np.ndarray) -> list[str]:
    """Sentences about a detector's answers for many objects: constant scores, latent entries without variance.

    Args:
      latent: (N, Z). score: (N,).
    """
    size = float(np.sqrt(np.mean(latent.astype(np.float64) ** 2)))
    spread = latent.astype(np.float64).std(0)
    mean = float(score.mean())
    values = {
        "mean_score": mean,
        "score_spread": float(score.std()) / max(abs(mean), 1e-30),
        "latent_spread": float(np.sqrt(np.mean(spread**2))) / max(size, 1e-30),
    }
    found = collapse_warnings(values)
    dead = int((spread < _LEAST_SPREAD * max(size, 1e-30)).sum())
    if dead and not found:
        found.append(f"{dead} of {latent.shape[1]} latent entries are the same for all objects: they tell nothing")
    return found
