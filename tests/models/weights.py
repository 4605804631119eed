"""Random weights without compiling an initialiser."""

import jax
import numpy as np


def random_variables(model, *inputs, seed=0, spread=0.4):
    """Variables of `model` in which nothing is zero; scales of norms lie around 1."""
    rng = np.random.default_rng(seed)

    def draw(path, leaf):
        values = spread * rng.standard_normal(leaf.shape).astype(np.float32)
        return values + 1 if path[-1].key == "scale" else values

    return jax.tree_util.tree_map_with_path(draw, jax.eval_shape(model.init, jax.random.key(0), *inputs))
