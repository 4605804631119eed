"""The positional-encoding study (arXiv 2308.06404): one encoder of Astromer 1's shape, many ways to tell it the time.

Two post-norm blocks without residual path; hidden points are masked by adding -1e9 under the QK rule. `time` is the zero-mean time in days.
"""

from dataclasses import dataclass
from typing import Any, Literal

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.models.attention import published_mask_term
from lcjax.transforms.positional import (
    encode_time,
    log_period_frequencies,
    paired_frequencies,
    published_frequencies,
)
from lcjax.typing import Array, Axis

NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class PositionalStudyConfig:
    """One variant of the study."""

    num_layers: int = 2
    num_heads: int = 4
    width: int = 256
    ffn_width: int = 128
    encoding: Literal["sinusoid", "mlp", "recurrent", "modulation", "none"] = "sinusoid"
    """What becomes of time: sines and cosines, an MLP, a GRU, or scale and shift of the magnitude (time modulation)."""
    trainable: bool = False
    """Sinusoids of trained frequencies."""
    frequencies: Literal["astromer", "paired", "log_periods"] = "astromer"
    base: float = 1000.0
    exponent: float = 1.0
    on_sinusoid: bool = False
    """MLP or GRU read the sinusoid instead of bare time (the Fourier-style variants)."""
    projection: bool = False
    """A Dense layer after the GRU."""
    hidden: int = 128
    """Hidden width of the MLP."""
    joined: Literal["sum", "concatenate", "output", "attention"] = "sum"
    """Added to the embedded magnitude; [encoding, magnitude] concatenated; added to the encoder's output (PEA); or only
    inside attention."""
    attention_terms: Literal["none", "p2p_all", "p2p_last", "tupe"] = "none"
    """Position-to-position terms: with the block's own projections from the second block on or in the last block alone,
    or (TUPE-A) with shared projections of their own in every block."""
    max_time: float = 1500.0
    """Days; longest period of time modulation."""
    harmonics: int = 64
    """Harmonics of time modulation."""


def initial_frequencies(config: PositionalStudyConfig) -> np.ndarray:
    """Starting frequencies of a variant, (width,) rad/day."""
    if config.frequencies == "paired":
        return paired_frequencies(config.width, config.base)
    if config.frequencies == "log_periods":
        return log_period_frequencies(config.width)
    return published_frequencies(config.width, config.base, config.exponent)


def time_modulation(time: Array, sine: Array, cosine: Array, max_time: float) -> Array:
    """sum_h sin(2 pi h t / T) A_h + cos(2 pi h t / T) B_h, h = 0..H-1.

    Args:
      time: (B, L) days. sine, cosine: (H, D). max_time: T in days.

    Returns:
      (B, L, D)
    """
    angles = 2 * jnp.pi * time[..., None] * jnp.arange(sine.shape[0]) / max_time
    return jnp.sin(angles) @ sine + jnp.cos(angles) @ cosine


def gated_recurrence(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """A GRU in the reset-after form with gates ordered z, r, h: (B, L, F) -> (B, L, D).

    Args:
      kernel: (F, 3D). recurrent: (D, 3D). bias: (2, 3D), of input and state.
    """
    inputs = x @ kernel + bias[0]

    def step(state: Array, item: Array) -> tuple[Array, Array]:
        xz, xr, xh = jnp.split(item, 3, axis=-1)
        hz, hr, hh = jnp.split(state @ recurrent + bias[1], 3, axis=-1)
        update, reset = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
        state = update * state + (1 - update) * jnp.tanh(xh + reset * hh)
        return state, state

    start = jnp.zeros((x.shape[0], recurrent.shape[0]), x.dtype)
    return jnp.swapaxes(jax.lax.scan(step, start, jnp.swapaxes(inputs, 0, 1))[1], 0, 1)


class _Gru(nn.Module):
    width: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (x.shape[-1], 3 * self.width))
        recurrent = self.param("recurrent", nn.initializers.orthogonal(), (self.width, 3 * self.width))
        bias = self.param("bias", nn.initializers.zeros, (2, 3 * self.width))
        return gated_recurrence(x, kernel, recurrent, bias)


class _Block(nn.Module):
    config: PositionalStudyConfig
    own_terms: bool

    @nn.compact
    def __call__(self, x: Array, encoded: Array, hidden: Array, shared: Array | None) -> Array:
        cfg = self.config
        depth = cfg.width // cfg.num_heads
        split = lambda y: y.reshape(*y.shape[:2], cfg.num_heads, depth)
        query, key, value = (nn.Dense(cfg.width, name=name) for name in ("query", "key", "value"))
        logits = jnp.einsum("bqhd,bkhd->bhqk", split(query(x)), split(key(x)))
        if self.own_terms:
            logits += jnp.einsum("bqhd,bkhd->bhqk", split(query(encoded)), split(key(encoded)))
        if shared is not None:
            logits += shared
        logits = logits / jnp.sqrt(jnp.float32(depth)) - 1e9 * published_mask_term(hidden, "QK")
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits, axis=-1), split(value(x)))
        x = nn.Dense(cfg.width, name="merge")(mixed.reshape(*x.shape[:2], cfg.width))
        x = nn.LayerNorm(epsilon=NORM_EPSILON, name="norm_1")(x)
        x = nn.Dense(cfg.width, name="ffn_out")(jnp.tanh(nn.Dense(cfg.ffn_width, name="ffn_in")(x)))
        return nn.LayerNorm(epsilon=NORM_EPSILON, name="norm_2")(x)


class PositionalStudyEncoder(nn.Module):
    """Encoder of the study: (time, magnitude, hidden) -> (B, L, D)."""

    config: PositionalStudyConfig = PositionalStudyConfig()

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes windows.

        Args:
          batch: `time`, `magnitude` (B, L) float32, zero mean; `mask` and optional `visible` (B, L) bool.
          deterministic, axis: as in other modules; nothing here is random or crosses rows.

        Returns:
          `hidden` (B, L, D) and `encoding` (B, L, D), the positional encoding (zeros where there is none).
        """
        del deterministic, axis
        cfg = self.config
        chex.assert_rank([batch["time"], batch["magnitude"], batch["mask"]], 2)
        chex.assert_equal_shape([batch["time"], batch["magnitude"], batch["mask"]])
        visible = batch.get("visible", batch["mask"]) & batch["mask"]
        hidden = 1.0 - visible.astype(jnp.float32)
        encoded = self._encode(batch["time"])
        x = nn.Dense(cfg.width, name="embed")(batch["magnitude"][..., None])
        if cfg.encoding == "modulation":
            table = lambda name: self.param(name, nn.initializers.normal(0.02), (cfg.harmonics, cfg.width))
            scale = time_modulation(batch["time"], table("alpha_sine"), table("alpha_cosine"), cfg.max_time)
            shift = time_modulation(batch["time"], table("beta_sine"), table("beta_cosine"), cfg.max_time)
            x = x * scale + shift
        elif cfg.joined == "concatenate":
            x = nn.Dense(cfg.width, name="join")(jnp.concatenate([encoded, batch["magnitude"][..., None]], -1))
        elif cfg.joined == "sum" and cfg.attention_terms not in ("tupe", "p2p_last"):
            x = x + encoded
        shared = self._shared_terms(encoded) if cfg.attention_terms == "tupe" else None
        for i in range(cfg.num_layers):
            last = i == cfg.num_layers - 1
            own = (cfg.attention_terms == "p2p_all" and i > 0) or (cfg.attention_terms == "p2p_last" and last)
            x = _Block(cfg, own, name=f"block_{i}")(x, encoded, hidden, shared)
        if cfg.joined == "output":
            x = x + encoded
        return {"hidden": x, "encoding": encoded}

    def _encode(self, time: Array) -> Array:
        cfg = self.config
        if cfg.encoding in ("none", "modulation"):
            return jnp.zeros((*time.shape, cfg.width), jnp.float32)
        source: Any = time[..., None]
        if cfg.encoding == "sinusoid" or cfg.on_sinusoid:
            frequencies = jnp.asarray(initial_frequencies(cfg))
            if cfg.trainable:
                frequencies = self.param("frequencies", lambda _: frequencies)
            source = encode_time(time, frequencies)
        if cfg.encoding == "mlp":
            inner = jax.nn.gelu(nn.Dense(cfg.hidden, name="time_in")(source), approximate=False)
            return nn.Dense(cfg.width, name="time_out")(inner)
        if cfg.encoding == "recurrent":
            source = _Gru(cfg.width, name="recurrence")(source)
            return nn.Dense(cfg.width, name="projection")(source) if cfg.projection else source
        return source

    def _shared_terms(self, encoded: Array) -> Array:
        cfg = self.config
        split = lambda y: y.reshape(*y.shape[:2], cfg.num_heads, cfg.width // cfg.num_heads)
        query = split(nn.Dense(cfg.width, name="position_query")(encoded))
        key = split(nn.Dense(cfg.width, name="position_key")(encoded))
        return jnp.einsum("bqhd,bkhd->bhqk", query, key)
