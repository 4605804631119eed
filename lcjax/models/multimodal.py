"""Several modalities in one space: any encoders, a projection each, and a learned scale of every pair (CLIP of n modalities).

AstroM3 (arXiv 2411.08842) is the case of three.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import chex
import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from lcjax.losses.contrastive import unit_length
from lcjax.models.astrom3_config import IMAGES, MultimodalConfig
from lcjax.models.dense_photometry import DensePhotometry
from lcjax.models.galspecnet import GalSpecNet, VectorEncoder
from lcjax.models.image_trunks import image_trunk
from lcjax.models.informer import Informer, dense
from lcjax.typing import Array, Axis

LARGEST_SCALE = 100.0
"""Of the cosines."""


def pairs_of(modalities: Sequence[str]) -> list[tuple[str, str]]:
    """Every two of the modalities.

    >>> pairs_of(["photometry", "spectra", "metadata"])[1:]
    [('photometry', 'metadata'), ('spectra', 'metadata')]
    """
    return list(itertools.combinations(modalities, 2))


def clipped_scale(log_scale: Array) -> Array:
    """exp, kept within 1 and 100. The gradient is 0 outside and, as in the reference, at the start, ln 100."""
    top = np.float32(math.log(LARGEST_SCALE))
    inside = (log_scale >= 0) & (log_scale < top)
    held = jnp.where(log_scale < 0, 1.0, LARGEST_SCALE)
    return jnp.where(inside, jnp.exp(jnp.where(inside, log_scale, 0.0)), held)


class Multimodal(nn.Module):
    """Encoders by the names of their modalities, projections into a space of `dim` dimensions, and perhaps a linear classifier.

    An encoder is called with the arrays of its modality and answers `features` (B, F).
    """

    encoders: Mapping[str, nn.Module]
    dim: int
    initial_scale: float = LARGEST_SCALE
    num_classes: int = 0
    """Of the classifier; 0: there is none. A classifier of one modality has no projection."""
    fusion: str = "avg"
    pair_bias: float | None = None
    """Learned summand of the logits of each pair, where it starts (SigLIP: -10); None: there is none."""

    @nn.compact
    def __call__(self, inputs: Mapping[str, dict], deterministic: bool = True, axis: Axis = None) -> dict[str, Any]:
        """Embeds, or classifies.

        Args:
          inputs: modality -> arrays that its encoder takes, all of the same rows; a classifier of several modalities also takes
            `present` (B,) bool of each. What is missing may hold anything finite: who compares embeddings says which are there.

        Returns:
          `embeddings`, modality -> (B, dim) of length 1; `projections`, the same before; `scales`, pair `a_b` -> factor,
          and `biases`, perhaps empty; `logits` (B, K) of a classifier, and what they are made from, `features`.
        """
        features = {
            name: encoder(inputs[name], deterministic=deterministic, axis=axis)["features"]
            for name, encoder in self.encoders.items()
        }
        for name, value in features.items():
            self.sow("intermediates", f"features_{name}", value)
        if self.num_classes and len(features) == 1:
            return self._classified(next(iter(features.values())))
        projections = {
            name: dense(self.dim, value.shape[-1], f"projection_{name}")(value) for name, value in features.items()
        }
        embeddings = {name: unit_length(value) for name, value in projections.items()}
        start = lambda _: jnp.float32(math.log(self.initial_scale))
        pairs = [f"{one}_{other}" for one, other in pairs_of(list(features))]
        scales = {pair: clipped_scale(self.param(f"log_scale_{pair}", start)) for pair in pairs}
        found = {"embeddings": embeddings, "projections": projections, "scales": scales, "biases": {}}
        if self.pair_bias is not None:
            begin = lambda _: jnp.float32(self.pair_bias)
            found["biases"] = {pair: self.param(f"bias_{pair}", begin) for pair in pairs}
        if not self.num_classes:
            return found
        present = {name: inputs[name]["present"] for name in features}
        return found | self._classified(fused(embeddings, present, self.fusion))

    def _classified(self, features: Array) -> dict[str, Array]:
        return {"logits": dense(self.num_classes, features.shape[-1], "head")(features), "features": features}


def fused(embeddings: Mapping[str, Array], present: Mapping[str, Array], fusion: str) -> Array:
    """One vector an object: the mean of the embeddings that are there, or all, zeros for those that are not.

    Args:
      embeddings: modality -> (B, D). present: modality -> (B,) bool. fusion: `avg` or `concat`.
    """
    chex.assert_equal_shape(list(embeddings.values()))
    chex.assert_rank([present[name] for name in embeddings], 1)
    held = [jnp.where(present[name][:, None], value, 0.0) for name, value in embeddings.items()]
    if fusion == "concat":
        return jnp.concatenate(held, axis=-1)
    count = sum(present[name].astype(jnp.float32) for name in embeddings)
    return sum(held) / jnp.maximum(count, 1.0)[:, None]


def encoders_of(config: MultimodalConfig) -> dict[str, nn.Module]:
    """The encoders of a configuration, by modality."""
    photometry = Informer if config.photometry.encoder == "informer" else DensePhotometry
    every = {
        "photometry": lambda: photometry(config.photometry),
        "spectra": lambda: GalSpecNet(config.spectra),
        "metadata": lambda: VectorEncoder(config.metadata.hidden, config.metadata.dropout),
        **{name: lambda name=name: image_trunk(getattr(config, name)) for name in IMAGES},
    }
    return {name: every[name]() for name in config.modalities}


def build_multimodal(config: MultimodalConfig, others: Mapping[str, nn.Module] | None = None) -> Multimodal:
    """The network of a configuration: contrastive, or a classifier.

    Args:
      others: modality -> encoder in the place of the configured one.
    """
    classes = config.num_classes if config.head == "classifier" else 0
    return Multimodal(
        encoders_of(config) | dict(others or {}),
        config.dim,
        config.initial_scale,
        classes,
        config.fusion,
        config.pair_bias,
    )
