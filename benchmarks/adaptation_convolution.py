"""Convolutions as matrix products of patches: for many networks at once, of which each has its own weights.

`vmap` over images and weights makes one grouped convolution of all of them, for which neither CPU nor GPU has a fast kernel. A product of
patches and weights becomes a batched matrix product, which is fast on both.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from lcjax.typing import Array


def by_patches(images: Array, kernel: Array, strides: tuple[int, int], padding: Any, dtype: Any = jnp.float32) -> Array:
    """(B, H, W, C) with a kernel (h, w, C, F), zeros around as `padding` says: (B, H', W', F) float32.

    Args:
      dtype: of patches, and of factors of products; sums have 32 bits.
    """
    given, images, kernel = images.dtype, images.astype(dtype), kernel.astype(dtype)
    height, width, channels, features = kernel.shape
    wide = jnp.pad(images, [(0, 0), *padding, (0, 0)])
    rows = (wide.shape[1] - height) // strides[0] + 1
    columns = (wide.shape[2] - width) // strides[1] + 1
    cut = lambda i, j: wide[:, i : i + strides[0] * rows : strides[0], j : j + strides[1] * columns : strides[1]]
    shifted = [cut(i, j)[:, :rows, :columns] for i in range(height) for j in range(width)]
    patches = jnp.concatenate(shifted, axis=-1)
    return (patches @ kernel.reshape(height * width * channels, features)).astype(given)


def patched(dtype: Any = jnp.float32) -> Callable:
    """For `flax.linen.intercept_methods`: 2-D convolutions of images as `by_patches` makes them; all else as it is."""

    def intercepted(next_call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        module: Any = context.module
        if not isinstance(module, nn.Conv) or context.method_name != "__call__" or module.is_initializing():
            return next_call(*args, **kwargs)
        stride = module.strides
        strides = (stride, stride) if isinstance(stride, int) else (1, 1) if stride is None else tuple(stride)
        given = module.variables["params"]
        return by_patches(args[0], given["kernel"], strides, module.padding, dtype) + given["bias"]

    return intercepted
