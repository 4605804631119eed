"""Astromer 1 (A&A 670, A54) and Astromer 2 (A&A 707, A170): one encoder, two published configurations.

Input is a window whose time and magnitude are already standardised (`lcjax.transforms.standardize`). With
`config.parity` the network is the one that was shipped, number by number: it sees whatever magnitudes it is given at
hidden points and masks additively. Without it (strict) it is the model the papers describe: hidden points show a token,
no point attends to hidden points or padding.

Parameter names against the TensorFlow objects: embed = inp_transform; block_i/{query,key,value,merge} =
enc_layers/i/mha/{wq,wk,wv,dense}; block_i/{ffn_in,ffn_out} = ffn/layer_with_weights-{0,1}; block_i/norm_{1,2} =
layernorm{1,2}; block_i/residual_{1,2} = reshape_leak_{1,2}; head_norm, head = bn_0, reg_layer.
"""

import dataclasses
from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lcjax.errors import ConfigError
from lcjax.global_batch import rows_of
from lcjax.models.astromer_config import ASTROMER1, ASTROMER2, AstromerModelConfig
from lcjax.models.attention import TimeDifferenceBias, published_attention, strict_attention, strict_weights
from lcjax.models.attention_weights import KEPT
from lcjax.models.dense import dense
from lcjax.models.dropout import RowDropout
from lcjax.transforms.positional import encode_time, log_period_frequencies, published_frequencies
from lcjax.transforms.scaling import masked_mean
from lcjax.typing import Array, Axis

NORM_EPSILON = 1e-6

SHARDING_RULES = (
    (r"(query|key|value|ffn_in)/kernel$", (None, "model")),
    (r"(query|key|value|ffn_in)/bias$", ("model",)),
    (r"(merge|ffn_out)/kernel$", ("model", None)),
)
"""Parameter path -> mesh axis of each dimension: Megatron's split of attention and feed-forward."""


def _activation(name: str):
    return jnp.tanh if name == "tanh" else jax.nn.gelu


class AstromerBlock(nn.Module):
    """Attention and feed-forward, each followed (`post`) or preceded (`pre`) by a layer norm."""

    config: AstromerModelConfig
    dtype: DTypeLike = jnp.float32

    def _around(self, name: str, x: Array, change: Array) -> Array:
        if self.config.residual == "projection":
            return change + dense(x, self.config.width, self.dtype, name)
        return change + x if self.config.residual == "identity" else change

    @nn.compact
    def __call__(self, x: Array, visible: Array, row: Array | None, bias: Array | None, deterministic: bool) -> Array:
        """(B, L, D) -> (B, L, D); `visible` (B, L) bool; sows attention weights, in parity mode also logits."""
        cfg = self.config
        post = cfg.norm == "post"
        norm_1 = nn.LayerNorm(epsilon=NORM_EPSILON, dtype=self.dtype, name="norm_1")
        norm_2 = nn.LayerNorm(epsilon=NORM_EPSILON, dtype=self.dtype, name="norm_2")
        dropout = RowDropout(cfg.dropout)

        change = self._attend(x if post else norm_1(x), visible, bias)
        self.sow("intermediates", "attention", change)
        x = self._around("residual_1", x, dropout(change, row, deterministic))
        x = norm_1(x) if post else x

        hidden = dense(x if post else norm_2(x), cfg.ffn_width, self.dtype, "ffn_in")
        change = dense(_activation(cfg.activation)(hidden), cfg.width, self.dtype, "ffn_out")
        x = self._around("residual_2", x, dropout(change, row, deterministic))
        return norm_2(x) if post else x

    def _attend(self, x: Array, visible: Array, bias: Array | None) -> Array:
        cfg = self.config
        heads = (*x.shape[:2], cfg.num_heads, cfg.width // cfg.num_heads)

        def project(name: str) -> Array:
            return dense(x, cfg.width, self.dtype, name).reshape(heads)

        query, key, value = project("query"), project("key"), project("value")
        if cfg.parity:
            hidden = 1.0 - visible.astype(jnp.float32)
            out, weights, logits = published_attention(
                query, key, value, hidden, cfg.mask_format, cfg.mask_alpha, cfg.temperature
            )
            self.sow("intermediates", KEPT, weights)
            self.sow("intermediates", "attention_logits", logits)
        else:
            out = strict_attention(query, key, value, visible, bias, cfg.attention)
            if self.is_mutable_collection("intermediates"):  # somebody asks: they are not computed otherwise
                self.sow("intermediates", KEPT, strict_weights(query, key, visible, bias))
        return dense(out.reshape(x.shape), cfg.width, self.dtype, "merge")


class Astromer(nn.Module):
    """Encoder and reconstruction head of the Astromer family."""

    config: AstromerModelConfig
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes standardised windows.

        Args:
          batch: `time`, `magnitude` (B, L) float32 standardised, `mask` (B, L) bool; optional `visible` (B, L) bool
            (default: `mask`), `magnitude_error` (B, L) mag, `row` (B,) int32.
          deterministic: no dropout.
          axis: that rows are spread over, where dropout numbers them itself (no `row` in the batch).

        Returns:
          `reconstruction` (B, L) float32, on the scale of the input; `log_variance` (B, L) if configured;
          `embedding` (B, D) float32, mean of the last block over visible points; `layers`, a tuple of 1 + blocks arrays
          (B, L, D): input embedding, then each block's output.
        """
        cfg = self.config
        if cfg.width % cfg.num_heads:
            raise ConfigError(f"a width of {cfg.width} cannot be shared by {cfg.num_heads} heads: make it a multiple")
        chex.assert_rank([batch["time"], batch["magnitude"], batch["mask"]], 2)
        chex.assert_equal_shape([batch["time"], batch["magnitude"], batch["mask"]])
        chex.assert_type(batch["mask"], bool)
        visible = batch.get("visible", batch["mask"]) & batch["mask"]
        # Without dropout no row needs a number, and none is asked for: predictions run under any mapped axis.
        row = None if deterministic else rows_of(batch, visible.shape[0], axis)
        time = jnp.where(batch["mask"], batch["time"], 0.0)
        x = self._embed(batch, visible, time)
        layers = [x]
        x = RowDropout(cfg.dropout)(x, row, deterministic)
        bias = None
        if cfg.attention_bias == "time_differences" and not cfg.parity:
            bias = TimeDifferenceBias(cfg.num_heads, name="time_bias")(time)
        for i in range(cfg.num_layers):
            x = AstromerBlock(cfg, self.dtype, name=f"block_{i}")(x, visible, row, bias, deterministic)
            layers.append(x)
        # Magnitudes enter and leave in float32 whatever the compute dtype: bfloat16 keeps under three digits.
        out = nn.LayerNorm(epsilon=NORM_EPSILON, dtype=jnp.float32, name="head_norm")(x)
        out = nn.Dense(2 if cfg.predict_variance else 1, dtype=jnp.float32, name="head")(out)
        result = {
            "reconstruction": out[..., 0],
            "embedding": masked_mean(x.astype(jnp.float32), visible[..., None], axis=1)[:, 0],
            "layers": tuple(layers),
        }
        if cfg.predict_variance:
            result["log_variance"] = out[..., 1]
        return result

    def _embed(self, batch: dict, visible: Array, time: Array) -> Array:
        cfg = self.config
        magnitude = batch["magnitude"].astype(jnp.float32)
        if cfg.mask_token:
            token = self.param("mask_token", nn.initializers.zeros, (1, 1))
            magnitude = jnp.where(visible, magnitude, token)
        elif not cfg.parity:
            magnitude = jnp.where(visible, magnitude, 0.0)
        features = [magnitude]
        if cfg.input_features == "magnitude_and_error":
            # The error of a hidden point tells of its brightness, so it is hidden too.
            log_error = jnp.log(jnp.maximum(batch["magnitude_error"], 1e-4)) + 3.0
            features += [visible.astype(jnp.float32), jnp.where(visible, log_error, 0.0)]
        x = dense(jnp.stack(features, axis=-1), cfg.width, jnp.float32, "embed")
        return (x + self._encode_time(time)).astype(self.dtype)

    def _encode_time(self, time: Array) -> Array:
        cfg = self.config
        if cfg.time_encoding == "log_periods":
            frequencies = log_period_frequencies(cfg.width // 2, cfg.min_period, cfg.max_period)
            waves = encode_time(time, frequencies, paired=True)
            return nn.Dense(cfg.width, dtype=self.dtype, use_bias=False, name="time_projection")(waves)
        frequencies = jnp.asarray(published_frequencies(cfg.width, cfg.time_base, cfg.time_exponent))
        if cfg.time_encoding == "trainable":
            frequencies = self.param("frequencies", lambda _: frequencies)
        return encode_time(time, frequencies)


def Astromer1(dtype: DTypeLike = jnp.float32, **settings: Any) -> Astromer:
    """Astromer 1: 2 blocks of width 256, no residual path; 661,505 parameters. `settings`: AstromerModelConfig fields.

    >>> Astromer1(num_layers=3).config.num_layers
    3
    """
    return Astromer(dataclasses.replace(ASTROMER1, **settings), dtype)


def Astromer2(dtype: DTypeLike = jnp.float32, **settings: Any) -> Astromer:
    """Astromer 2: 6 blocks with projected residual paths; 3,953,409 parameters and the mask token."""
    return Astromer(dataclasses.replace(ASTROMER2, **settings), dtype)
