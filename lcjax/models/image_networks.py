"""Networks that make feature vectors of images: the digits network of MME, Deep-HiTS with its rotations, a residual network.

Each has two parts, `trunk` (convolutions) and `head` (dense layers), so that they can learn at different rates.
"""

from functools import partial

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.models.batch_norm import BatchNorm
from lcjax.models.dropout import RowDropout
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.models.pooling import max_pool
from lcjax.transforms.dihedral import TURNS, copies_as_rows
from lcjax.typing import Array, Axis

_he = nn.initializers.he_normal()
_IMAGES = 4
"""Axes of a batch of images."""


class Trunk(nn.Module):
    """Convolutions, each with norm and leaky ReLU, some with max pooling."""

    config: ImageNetworkConfig

    @nn.compact
    def __call__(self, x: Array, deterministic: bool, axis: Axis = None) -> Array:
        """(B, H, W, C) -> (B, F)."""
        config = self.config
        for i, width in enumerate(config.filters):
            kernel, stride, padding = config.layer(i)
            pad = [(padding, padding)] * 2
            x = nn.Conv(width, (kernel, kernel), stride, padding=pad, kernel_init=_he, name=f"conv_{i + 1}")(x)
            x = BatchNorm(name=f"norm_{i + 1}")(x, deterministic, axis) if config.norm else x
            x = nn.leaky_relu(x, config.slope)
            x = max_pool(x) if i + 1 in config.pool_after else x
        return x.reshape(x.shape[0], -1)


class ResidualTrunk(nn.Module):
    """A residual network of basic blocks (He et al. 2015, arXiv 1512.03385), any size of image, mean over pixels at the end."""

    widths: tuple[int, ...]
    blocks: int

    @nn.compact
    def __call__(self, x: Array, deterministic: bool, axis: Axis = None) -> Array:
        """(B, H, W, C) -> (B, F)."""
        conv = partial(nn.Conv, use_bias=False, padding="SAME", kernel_init=_he)
        x = nn.relu(BatchNorm(name="norm_0")(conv(self.widths[0], (3, 3), name="conv_0")(x), deterministic, axis))
        for stage, width in enumerate(self.widths):
            for block in range(self.blocks):
                name, stride = f"{stage}_{block}", 2 if stage and not block else 1
                y = conv(width, (3, 3), stride, name=f"conv_{name}_1")(x)
                y = nn.relu(BatchNorm(name=f"norm_{name}_1")(y, deterministic, axis))
                y = BatchNorm(name=f"norm_{name}_2")(conv(width, (3, 3), name=f"conv_{name}_2")(y), deterministic, axis)
                if x.shape != y.shape:
                    x = conv(width, (1, 1), stride, name=f"skip_{name}")(x)
                x = nn.relu(x + y)
        return jnp.mean(x, axis=(1, 2))


class Head(nn.Module):
    """Dense layers with dropout between them; the last is the feature vector."""

    widths: tuple[int, ...]
    dropout_before: tuple[int, ...]
    rate: float
    slope: float
    last_active: bool

    @nn.compact
    def __call__(self, x: Array, row: Array | None, deterministic: bool) -> Array:
        """(B, F) -> (B, D)."""
        for i, width in enumerate(self.widths, 1):
            if i in self.dropout_before:
                x = RowDropout(self.rate)(x, row, deterministic)
            x = nn.Dense(width, kernel_init=_he, name=f"dense_{i}")(x)
            if i < len(self.widths) or self.last_active:
                x = nn.leaky_relu(x, self.slope)
        return x


class ImageNetwork(nn.Module):
    """Images to feature vectors, as the configuration says."""

    config: ImageNetworkConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> Array:
        """`image` (B, H, W, C) or vectors (B, D), scaled; optional `row` (B,) -> (B, features) float32.

        Args:
          deterministic: False: dropout acts (key `dropout`) and norms take and move batch statistics.
        """
        config, x = self.config, batch["image"].astype(jnp.float32)
        chex.assert_rank(x, {2, _IMAGES})
        rows = x.shape[0]
        row = None if deterministic else rows_of(batch, rows, axis)
        if x.ndim == _IMAGES and (config.filters or config.residual):
            plain = Trunk(config, name="trunk") if config.filters else None
            trunk = plain or ResidualTrunk(config.residual, config.blocks, name="trunk")
            x = trunk(copies_as_rows(x, TURNS) if config.rotations else x, deterministic, axis)
        else:
            x = x.reshape(rows, -1)
            for i, width in enumerate(config.vector_widths, 1):
                x = nn.leaky_relu(nn.Dense(width, kernel_init=_he, name=f"trunk_{i}")(x), config.slope)
        if config.rotations and x.shape[0] != rows:
            joined = x.reshape(len(TURNS), rows, -1)
            x = jnp.mean(joined, 0) if config.rotations == "mean" else jnp.moveaxis(joined, 0, 1).reshape(rows, -1)
        head = Head(config.head, config.dropout_before, config.dropout, config.slope, config.last_active, name="head")
        return head(x, row, deterministic)
