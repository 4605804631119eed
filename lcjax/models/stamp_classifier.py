"""The ALeRCE stamp classifier (Carrasco-Davis et al. 2021, AJ 162, 231).

The image goes through one trunk in four rotations; the mean over them makes the answer exactly invariant to turns by
90 degrees. Activations are sown as `<published name>_out`, for parity and for the health monitor.
"""

import itertools
import math
from functools import partial

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.models import winograd
from lcjax.models.batch_norm import BatchNorm
from lcjax.models.dropout import RowDropout
from lcjax.models.pooling import max_pool_of_slices
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.transforms.dihedral import TURNS, copies_as_rows
from lcjax.typing import Array, Axis

_ROTATIONS = len(TURNS)


def _bias_init(key: Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
    """Glorot uniform on a vector, as the published dense layers start their biases."""
    limit = math.sqrt(3.0 / shape[0])
    return jax.random.uniform(key, shape, dtype, -limit, limit)


class StampClassifier(nn.Module):
    """Images (B, S, S, C) and features (B, F) -> logits (B, K)."""

    config: StampModelConfig = StampModelConfig()
    dtype: jnp.dtype = jnp.float32
    """Of convolutions and dense layers; norms, mean over rotations and logits are float32."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Runs the network.

        Args:
          batch: `images` (B, S, S, C) float32 in [0, 1], as `lcjax.transforms.prepare_stamps` gives them; `features`
            (B, F) float32, clipped and standardised, but for image-only networks; optional `row` (B,) int32, index of
            each row in the global batch, and `weight` (B,), 0 for rows that only fill up the batch.
          deterministic: False: dropout acts (key `dropout`) and the feature norm takes and moves batch statistics.
          axis: that rows are spread over; only training needs it.

        Returns:
          `logits` (B, K) and `embedding` (B, D), what the last layer sees, float32.
        """
        config, images = self.config, batch["images"]
        chex.assert_shape(images, (None, config.image_size, config.image_size, config.num_channels))
        rows = images.shape[0]
        weight = batch["weight"] if "weight" in batch else jnp.ones(rows, jnp.float32)
        quiet = deterministic or not config.live_dropout
        dropout = lambda x, at: RowDropout(config.dropout)(x, at, quiet)
        row = None if quiet else rows_of(batch, rows, axis)
        turned_row = None if quiet else jnp.concatenate([row * _ROTATIONS + k for k in range(_ROTATIONS)])

        x = self._convolutions(copies_as_rows(images.astype(self.dtype), TURNS))
        for i, width in enumerate(config.trunk, 1):
            x = dropout(self._hidden(f"dense_{i}", width, x), turned_row)
        x = jnp.mean(x.astype(jnp.float32).reshape(_ROTATIONS, rows, -1), axis=0)
        self._note("cyclic_pool", x)
        if config.num_features:
            norm = BatchNorm(config.feature_norm_momentum, config.feature_norm_epsilon, unbiased=False, name="bn")
            chex.assert_shape(batch["features"], (rows, config.num_features))
            features = norm(batch["features"], deterministic, axis, weight)
            self._note("bn_features", features)
            x = jnp.concatenate([x, features], axis=-1)
            self._note("concat", x)
        for i, width in enumerate(config.head, len(config.trunk) + 1):
            x = dropout(self._hidden(f"dense_{i}", width, x), row)
        x = x.astype(jnp.float32)
        logits = nn.Dense(config.num_classes, bias_init=_bias_init, name="logits")(x)
        return {"logits": logits, "embedding": x}

    def _note(self, name: str, x: Array) -> None:
        """Keeps an activation for `lcjax.models.activity` under `<name>_out` (layers own the plain names)."""
        self.sow("intermediates", f"{name}_out", x)

    def _convolutions(self, x: Array) -> Array:
        config = self.config
        init = nn.initializers.glorot_uniform()
        pad = config.padding
        fast = config.convolution == "winograd"
        conv = partial(nn.Conv, conv_general_dilated_cls=winograd.as_flax if fast else None)
        x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        for i, (kernel, filters) in enumerate(zip(config.kernels, config.filters, strict=True), 1):
            mode = "VALID" if i == 1 else "SAME"
            shape = (kernel, kernel)
            x = conv(filters, shape, padding=mode, kernel_init=init, dtype=self.dtype, name=f"conv_{i}")(x)
            if config.norm == "group":
                groups = math.gcd(config.norm_groups, filters)
                x = nn.GroupNorm(groups, dtype=jnp.float32, name=f"norm_{i}")(x).astype(self.dtype)
            x = nn.relu(x)
            self._note(f"conv_{i}", x)
            if i in config.pool_after:
                x = max_pool_of_slices(x) if fast else nn.max_pool(x, (2, 2), (2, 2))
                self._note(f"pool_{config.pool_after.index(i) + 1}", x)
        return x.reshape(x.shape[0], -1)

    def _hidden(self, name: str, width: int, x: Array) -> Array:
        x = nn.Dense(
            width,
            kernel_init=nn.initializers.glorot_uniform(),
            bias_init=_bias_init,
            dtype=self.dtype,
            name=name,
        )(x)
        x = nn.relu(x)
        self._note(name, x)
        return x


def stamp_train_flops(config: StampModelConfig, rows: int) -> float:
    """Operations of one training step over `rows` alerts: convolutions and matrix products, forward and backward.

    >>> round(stamp_train_flops(StampModelConfig(), 1) / 1e6)
    471
    """
    side = config.image_size + 2 * config.padding - config.kernels[0] + 1
    channels, turned = config.num_channels, 0.0
    for i, (kernel, filters) in enumerate(zip(config.kernels, config.filters, strict=True), 1):
        turned += 2.0 * side**2 * kernel**2 * channels * filters
        channels = filters
        side = side // 2 if i in config.pool_after else side
    widths = (side**2 * channels, *config.trunk)
    turned += sum(2.0 * a * b for a, b in itertools.pairwise(widths))
    widths = (widths[-1] + config.num_features, *config.head, config.num_classes)
    return 3.0 * rows * (_ROTATIONS * turned + sum(2.0 * a * b for a, b in itertools.pairwise(widths)))
