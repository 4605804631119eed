"""The positional-encoding study (arXiv 2308.06404): one encoder of Astromer 1's shape, many ways to tell it the time.

Post-norm blocks without residual path. With `config.parity` points are masked as the authors do, by adding -1e9 where query
or key is hidden; without it (strict) hidden points show 0 and nobody attends to them or to padding.
"""

from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from lcjax.errors import ConfigError
from lcjax.models.attention import published_mask_term, strict_attention, strict_weights
from lcjax.models.attention_weights import KEPT
from lcjax.models.positional_config import PositionalStudyConfig
from lcjax.models.positional_terms import distance_penalty, products, rotated, rotations, time_differences
from lcjax.models.recurrence import GatedRecurrence
from lcjax.transforms.positional import (
    encode_time,
    log_period_frequencies,
    paired_frequencies,
    published_frequencies,
)
from lcjax.transforms.scaling import masked_mean
from lcjax.typing import Array, Axis

NORM_EPSILON = 1e-6

SHARDING_RULES = (
    (r"block_\d+/(query|key|value|ffn_in)/kernel$", (None, "model")),
    (r"block_\d+/(query|key|value|ffn_in)/bias$", ("model",)),
    (r"block_\d+/(merge|ffn_out)/kernel$", ("model", None)),
)
"""As those of Astromer: attention and feed-forward of the blocks."""


def initial_frequencies(config: PositionalStudyConfig) -> np.ndarray:
    """Starting frequencies of a variant's sinusoids, (width,) rad/day."""
    if config.variant.frequencies == "paired":
        return paired_frequencies(config.width, config.time_base)
    if config.variant.frequencies == "log_periods":
        return log_period_frequencies(config.width, config.min_period, config.max_period)
    return published_frequencies(config.width, config.time_base, config.time_exponent)


def rotation_frequencies(config: PositionalStudyConfig) -> np.ndarray:
    """Frequencies of rotations, (heads, head width / 2) rad/day: log-spaced, each head's over the whole range."""
    frequencies = log_period_frequencies(config.width // 2, config.min_period, config.max_period)
    return frequencies.reshape(-1, config.num_heads).T


def time_modulation(time: Array, sine: Array, cosine: Array, max_time: float) -> Array:
    """sum_h sin(2 pi h t / T) A_h + cos(2 pi h t / T) B_h, h = 0..H-1.

    Args:
      time: (B, L) days. sine, cosine: (H, D). max_time: T in days.

    Returns:
      (B, L, D)
    """
    angles = 2 * jnp.pi * time[..., None] * jnp.arange(sine.shape[0]) / max_time
    return jnp.sin(angles) @ sine + jnp.cos(angles) @ cosine


class _Block(nn.Module):
    config: PositionalStudyConfig
    index: int
    dtype: DTypeLike

    @nn.compact
    def __call__(self, x: Array, seen: dict[str, Array], positions: dict[str, Array]) -> Array:
        """(B, L, D) -> (B, L, D).

        Args:
          seen: `mask`, `visible`. positions: `encoding`, and `relative`, `shared`, or `sine` and `cosine` of rotations.
        """
        cfg = self.config
        dense = lambda width, name: nn.Dense(width, dtype=self.dtype, name=name)
        split = lambda y: y.reshape(*y.shape[:2], cfg.num_heads, cfg.width // cfg.num_heads)
        query, key, value = (dense(cfg.width, name) for name in ("query", "key", "value"))
        q, k, v = split(query(x)), split(key(x)), split(value(x))
        terms = self._terms(q, k, lambda y: split(query(y)), lambda y: split(key(y)), seen, positions)
        if cfg.variant.attention == "rotary":
            q, k = (rotated(y, positions["sine"], positions["cosine"]) for y in (q, k))
        scale = jnp.sqrt(jnp.float32(q.shape[-1]))
        if cfg.parity:
            hidden = 1.0 - seen["visible"].astype(jnp.float32)
            logits = sum(terms, products(q, k)) / scale - 1e9 * published_mask_term(hidden, "QK")
            weights = jax.nn.softmax(logits, axis=-1)
            self.sow("intermediates", KEPT, weights)
            mixed = jnp.matmul(weights.astype(v.dtype), v.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
        else:
            bias = sum(terms) / scale if terms else None
            mixed = strict_attention(q, k, v, seen["visible"], bias)
            if self.is_mutable_collection("intermediates"):  # somebody asks: they are not computed otherwise
                self.sow("intermediates", KEPT, strict_weights(q, k, seen["visible"], bias))
        x = dense(cfg.width, "merge")(mixed.reshape(x.shape))
        x = nn.LayerNorm(epsilon=NORM_EPSILON, dtype=self.dtype, name="norm_1")(x)
        x = dense(cfg.width, "ffn_out")(jnp.tanh(dense(cfg.ffn_width, "ffn_in")(x)))
        return nn.LayerNorm(epsilon=NORM_EPSILON, dtype=self.dtype, name="norm_2")(x)

    def _terms(self, q: Array, k: Array, query: Any, key: Any, seen: dict, positions: dict) -> list[Array]:
        """What is added to the unscaled logits, (B, H, L, L) each."""
        cfg, kind = self.config, self.config.variant.attention
        last = self.index == cfg.num_layers - 1
        terms = []
        if (kind in ("p2p_all", "mixed") and self.index > 0) or (kind == "p2p_last" and last):
            terms.append(products(query(positions["encoding"]), key(positions["encoding"])))
        if kind == "relative" or (kind == "mixed" and self.index == 0):
            relative = positions["relative"]
            terms += [products(query(relative), k), products(q, key(relative))]
        if kind == "tupe":
            terms.append(positions["shared"])
        if kind == "alibi":
            terms.append(distance_penalty(seen["mask"] | cfg.parity, cfg.num_heads))
        return terms


class PositionalStudyEncoder(nn.Module):
    """Encoder of the study: (time, magnitude, visible) -> (B, L, D)."""

    config: PositionalStudyConfig = PositionalStudyConfig()
    longest: int = 200
    """Points of the longest window: rows of time differences have so many columns."""
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Any]:
        """Encodes windows.

        Args:
          batch: `time`, `magnitude` (B, L) float32, zero mean; `mask` and optional `visible` (B, L) bool.
          deterministic, axis: as in other modules; nothing here is random or crosses rows.

        Returns:
          `hidden` (B, L, D); `encoding` (B, L, D), the positional encoding (zeros where there is none); `layers`, the input
          embedding and the output of each block, the last of them `hidden`.

        Raises:
          ConfigError: relative variants of windows longer than `longest`.
        """
        del deterministic, axis
        cfg, variant = self.config, self.config.variant
        chex.assert_rank([batch["time"], batch["magnitude"], batch["mask"]], 2)
        chex.assert_equal_shape([batch["time"], batch["magnitude"], batch["mask"]])
        chex.assert_type(batch["mask"], bool)
        mask, time, magnitude = batch["mask"], batch["time"], batch["magnitude"]
        visible = batch.get("visible", mask) & mask
        if not cfg.parity:
            time, magnitude = jnp.where(mask, time, 0.0), jnp.where(visible, magnitude, 0.0)
        encoded = self._encode(time, mask)
        positions = {"encoding": encoded}
        if variant.attention in ("relative", "mixed"):
            positions["relative"] = self._relative(time, mask)
        if variant.attention == "tupe":
            positions["shared"] = self._shared(encoded)
        if variant.attention == "rotary":
            turns = rotations(time, cfg.cadence_ratio * rotation_frequencies(cfg))
            positions["sine"], positions["cosine"] = turns
        x = self._embed(magnitude, time, encoded).astype(self.dtype)
        layers, seen = [x], {"mask": mask, "visible": visible}
        for i in range(cfg.num_layers):
            x = _Block(cfg, i, self.dtype, name=f"block_{i}")(x, seen, positions)
            layers.append(x)
        if variant.joined == "output":
            x = layers[-1] = (x + encoded).astype(self.dtype)
        return {"hidden": x, "encoding": encoded, "layers": tuple(layers)}

    def _embed(self, magnitude: Array, time: Array, encoded: Array) -> Array:
        cfg, variant = self.config, self.config.variant
        if variant.joined == "concatenate" and variant.encoding != "modulation":
            return nn.Dense(cfg.width, name="join")(jnp.concatenate([encoded, magnitude[..., None]], -1))
        x = nn.Dense(cfg.width, name="embed")(magnitude[..., None])
        if variant.encoding == "modulation":
            table = lambda name: self.param(name, nn.initializers.normal(0.02), (cfg.harmonics, cfg.width))
            scale = time_modulation(time, table("alpha_sine"), table("alpha_cosine"), cfg.max_time)
            shift = time_modulation(time, table("beta_sine"), table("beta_cosine"), cfg.max_time)
            return x * scale + shift
        return x + encoded if variant.joined == "sum" else x

    def _encode(self, time: Array, mask: Array) -> Array:
        cfg, variant = self.config, self.config.variant
        if variant.encoding in ("none", "modulation"):
            return jnp.zeros((*time.shape, cfg.width), jnp.float32)
        source = time[..., None]
        if variant.encoding == "sinusoid" or variant.on_sinusoid:
            frequencies = jnp.asarray(initial_frequencies(cfg))
            if variant.trainable:
                frequencies = self.param("frequencies", lambda _: frequencies)
            source = encode_time(time, cfg.cadence_ratio * frequencies)
        if variant.encoding == "mlp":
            inner = jax.nn.gelu(nn.Dense(cfg.hidden, name="time_in")(source), approximate=False)
            return nn.Dense(cfg.width, name="time_out")(inner)
        if variant.encoding == "recurrent":
            source = GatedRecurrence(cfg.width, name="recurrence")(source, mask | cfg.parity)
            return nn.Dense(cfg.width, name="projection")(source) if variant.projection else source
        return source

    def _relative(self, time: Array, mask: Array) -> Array:
        """A dense layer over each row of time differences, (B, L, D)."""
        if time.shape[1] > self.longest:
            raise ConfigError(
                f"windows of {time.shape[1]} points are longer than the rows of time differences of this network, "
                f"{self.longest}: cut shorter ones, or train with a longer window"
            )
        rows = time_differences(time, mask | self.config.parity, self.longest)
        return nn.Dense(self.config.width, name="relative")(rows)

    def _shared(self, encoded: Array) -> Array:
        """Products of encodings by projections that all blocks share, (B, H, L, L)."""
        cfg = self.config
        split = lambda y: y.reshape(*y.shape[:2], cfg.num_heads, cfg.width // cfg.num_heads)
        query = split(nn.Dense(cfg.width, name="position_query")(encoded))
        key = split(nn.Dense(cfg.width, name="position_key")(encoded))
        return products(query, key)


class PositionalStudy(nn.Module):
    """Encoder of the study with a reconstruction head."""

    config: PositionalStudyConfig = PositionalStudyConfig()
    longest: int = 200
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Any]:
        """Encodes standardised windows, as `PositionalStudyEncoder`.

        Returns:
          `reconstruction` (B, L) float32, on the scale of the input; `log_variance` (B, L) if configured; `embedding` (B, D)
          float32, mean of the last layer over visible points; `layers`.
        """
        encoded = PositionalStudyEncoder(self.config, self.longest, self.dtype, name="encoder")(
            batch, deterministic, axis
        )
        visible = batch.get("visible", batch["mask"]) & batch["mask"]
        x = encoded["hidden"].astype(jnp.float32)
        out = nn.LayerNorm(epsilon=NORM_EPSILON, name="head_norm")(x)
        out = nn.Dense(2 if self.config.predict_variance else 1, name="head")(out)
        result = {
            "reconstruction": out[..., 0],
            "embedding": masked_mean(x, visible[..., None], axis=1)[:, 0],
            "layers": encoded["layers"],
        }
        return result | ({"log_variance": out[..., 1]} if self.config.predict_variance else {})
