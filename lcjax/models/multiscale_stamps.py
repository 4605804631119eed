"""The multi-scale stamp classifier (arXiv 2304.13080; stamps specification B4) and the production network of 2025.

Every level of a stamp goes through a small convolutional trunk in its eight dihedral copies; the mean over the copies, taken
of the flattened maps, makes the answer exactly invariant to turns by 90 degrees and flips. Levels are concatenated, joined
with batch-normed position or metadata, and classified by one tanh layer. Activations are sown as `<name>_out` for the health
monitor.
"""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.models.dropout import RowDropout
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.stamp_classifier import FeatureNorm
from lcjax.transforms.multiscale import dihedral, stack_levels
from lcjax.typing import Array

_COPIES = 8


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
    def __call__(
        self,
        levels: Array,
        features: Array | None = None,
        *,
        train: bool = False,
        row: Array | None = None,
        weight: Array | None = None,
    ) -> dict[str, Array]:
        """Runs the network.

        Args:
          levels: (B, L, S, S, C) float32, as `lcjax.transforms.stamp_view` gives them (L is 1 but for multi-scale stamps).
          features: (B, F) float32, position on the sphere or metadata; not used where the config has none.
          train: dropout acts (key `dropout`) and the feature norm takes and moves batch statistics.
          row: (B,) int32, index of each row in the global batch; default 0 to B - 1.
          weight: (B,), 0 for rows that only fill up a batch; default 1.

        Returns:
          `logits` (B, K), `embedding` (B, dense) and `pooled` (B, P), the mean over dihedral copies; float32.
        """
        config, rows = self.config, levels.shape[0]
        row = jnp.arange(rows, dtype=jnp.int32) if row is None else row
        weight = jnp.ones(rows, jnp.float32) if weight is None else weight
        if train and config.train_copies == "one" and not self.is_initializing():
            levels = self._one_copy(levels, row)
        pooled = self._pooled(levels.astype(self.dtype), not train or config.train_copies == "all")
        x = RowDropout(config.dropout)(pooled, row, not train)
        if config.num_features:
            norm = FeatureNorm(config.feature_norm_momentum, config.feature_norm_epsilon, name="bn")
            x = jnp.concatenate([x, norm(features.astype(jnp.float32), weight, train)], axis=-1)
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
            x = trunk(dihedral(x) if all_copies else x).astype(jnp.float32)
            return jnp.mean(x.reshape(copies, -1, x.shape[-1]), axis=0)

        if config.level_weights == "separate":
            parts = [features(levels[:, k], StampTrunk(config, self.dtype, name=f"trunk_{k}")) for k in range(count)]
            return jnp.concatenate(parts, axis=-1)
        # Level after level, so that every block of rows is the batch in its own order.
        folded = jnp.moveaxis(levels, 1, 0).reshape(count * rows, *levels.shape[2:])
        parts = features(folded, StampTrunk(config, self.dtype, name="trunk")).reshape(count, rows, -1)
        return jnp.moveaxis(parts, 0, 1).reshape(rows, -1)

    def _one_copy(self, levels: Array, row: Array) -> Array:
        """Each row turned and flipped in a way drawn for it, all its levels alike."""
        key = self.make_rng("dropout")
        which = jax.vmap(lambda r: jax.random.randint(jax.random.fold_in(key, r), (), 0, _COPIES))(row)
        turns = [lambda x, k=k: jnp.rot90(x, k, axes=(-3, -2)) for k in range(4)]
        flips = [lambda x, k=k: jnp.rot90(x, k, axes=(-3, -2))[:, ::-1] for k in range(4)]
        copies = jnp.stack([turn(levels.reshape(-1, *levels.shape[2:])) for turn in (*turns, *flips)])
        copies = copies.reshape(_COPIES, *levels.shape)
        return jnp.take_along_axis(copies, which[None, :, None, None, None, None], axis=0)[0]


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
