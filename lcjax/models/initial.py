"""Initial values as PyTorch has them: uniform within 1/sqrt(fan-in), kernels and biases alike."""

import math

import flax.linen as nn
import jax

from lcjax.typing import Array

torch_kernel = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""Of linear layers and convolutions."""


def torch_bias(fan_in: int) -> nn.initializers.Initializer:
    """Of a layer with so many inputs."""
    bound = 1 / math.sqrt(fan_in)

    def init(key: Array, shape: tuple[int, ...], dtype: type = float) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init
