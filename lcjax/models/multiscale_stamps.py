"""The multi-scale stamp classifier (arXiv 2304.13080) and the production network of 2025.

Every level of a stamp goes through a small convolutional trunk in its eight dihedral copies; the mean over the copies, taken
of the flattened maps, makes the answer exactly invariant to turns by 90 degrees and flips. Levels are concatenated, joined
with batch-normed position or metadata, and classified by one tanh layer. Activations are sown as `<name>_out` for the health
monitor.
"""

import itertools

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.models.batch_norm import BatchNorm
from lcjax.models.dropout import RowDropout
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.transforms.dihedral import TURNED_FIRST, copies_as_rows, pick, random_symmetries
from lcjax.transforms.multiscale import stack_levels
from lcjax.typing import Array, Axis

_COPIES = len(TURNED_FIRST)


class StampTrunk(nn.Module):
    """Convolutions, rectified, some followed by a max-pool: (N, S, S, C) -> (N, F), flattened row by row."""

    config: MultiscaleModelConfig
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Runs the trunk; sows `conv_<i>_out`."""
        config = self.config
        for i, (kernel, filters) in enumerate(zip(config.kernels, config.filters, strict=True), 1):
            shape, init = (kernel, kernel), nn.initializers.he_uniform()
            x = nn.Conv(filters, shape, padding="SAME", kernel_init=init, dtype=self.dtype, name=f"conv_{i}")(x)
            x = nn.relu(x)
            self.sow("intermediates", f"conv_{i}_out", x)
            if i in config.pool_after:
                x = nn.max_pool(x, (2, 2), (2, 2), padding="SAME")
        return x.reshape(x.shape[0], -1)


class MultiscaleClassifier(nn.Module):
    """Levels (B, L, S, S, C) and features (B, F) -> logits (B, K)."""

    config: MultiscaleModelConfig = MultiscaleModelConfig()
    dtype: jnp.dtype = jnp.float32
    """Of the convolutions; the mean over copies, norms and dense layers are float32."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Runs the network.

        Args:
          batch: `levels` (B, L, S, S, C) float32, as `lcjax.transforms.stamp_view` gives them (L is 1 but for multi-scale
            stamps); `features` (B, F) float32, position on the sphere or metadata, where the config has some; optional
            `row` (B,) int32, index of each row in the global batch, and `weight` (B,), 0 for rows that only fill up.
          deterministic: False: dropout acts (key `dropout`) and the feature norm takes and moves batch statistics.
          axis: that rows are spread over; only training needs it.

        Returns:
          `logits` (B, K), `embedding` (B, dense) and `pooled` (B, P), the mean over dihedral copies; float32.
        """
        config, levels = self.config, batch["levels"]
        chex.assert_shape(levels, (None, config.num_levels, None, levels.shape[2], config.num_channels))
        rows = levels.shape[0]
        row = None if deterministic else rows_of(batch, rows, axis)
        weight = batch["weight"] if "weight" in batch else jnp.ones(rows, jnp.float32)
        one_copy = not deterministic and config.train_copies == "one"
        if one_copy and not self.is_initializing():
            # Each row turned and mirrored in a way drawn for it, all its levels alike.
            levels = pick(levels, random_symmetries(self.make_rng("dropout"), row), TURNED_FIRST)
        pooled = self._pooled(levels.astype(self.dtype), not one_copy)
        x = RowDropout(config.dropout)(pooled, row, deterministic)
        if config.num_features:
            norm = BatchNorm(config.feature_norm_momentum, config.feature_norm_epsilon, unbiased=False, name="bn")
            chex.assert_shape(batch["features"], (rows, config.num_features))
            features = norm(batch["features"], deterministic, axis, weight)
            x = jnp.concatenate([x, features], axis=-1)
        embedding = jnp.tanh(nn.Dense(config.dense, name="dense_1")(x))
        logits = nn.Dense(config.num_classes, name="logits")(embedding)
        return {"logits": logits, "embedding": embedding, "pooled": pooled}

    def _pooled(self, levels: Array, all_copies: bool) -> Array:
        """Mean over dihedral copies of every level's features, levels one after another: (B, P) float32."""
        config, rows = self.config, levels.shape[0]
        if config.level_weights == "stacked":
            levels = stack_levels(levels)[:, None]
        count = levels.shape[1]
        copies = _COPIES if all_copies else 1

        def features(x: Array, trunk: StampTrunk) -> Array:
            x = trunk(copies_as_rows(x, TURNED_FIRST) if all_copies else x).astype(jnp.float32)
            return jnp.mean(x.reshape(copies, -1, x.shape[-1]), axis=0)

        if config.level_weights == "separate":
            parts = [features(levels[:, k], StampTrunk(config, self.dtype, name=f"trunk_{k}")) for k in range(count)]
            return jnp.concatenate(parts, axis=-1)
        # Level after level, so that every block of rows is the batch in its own order.
        folded = jnp.moveaxis(levels, 1, 0).reshape(count * rows, *levels.shape[2:])
        parts = features(folded, StampTrunk(config, self.dtype, name="trunk")).reshape(count, rows, -1)
        return jnp.moveaxis(parts, 0, 1).reshape(rows, -1)


def multiscale_train_flops(config: MultiscaleModelConfig, rows: int) -> float:
    """Operations of one training step over `rows` alerts: convolutions and matrix products, forward and backward.

    >>> round(multiscale_train_flops(MultiscaleModelConfig(), 1) / 1e6)
    271
    """
    stacked = config.level_weights == "stacked"
    side, trunk = config.image_size, 0.0
    channels = config.num_channels * (config.num_levels if stacked else 1)
    for i, (kernel, filters) in enumerate(zip(config.kernels, config.filters, strict=True), 1):
        trunk += 2.0 * side**2 * kernel**2 * channels * filters
        channels = filters
        side = -(-side // 2) if i in config.pool_after else side
    levels = 1 if stacked else config.num_levels
    widths = (levels * side**2 * channels + config.num_features, config.dense, config.num_classes)
    copies = _COPIES if config.train_copies == "all" else 1
    return 3.0 * rows * (copies * levels * trunk + sum(2.0 * a * b for a, b in itertools.pairwise(widths)))
