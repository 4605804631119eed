"""What the points of a window take of each other, of any network whose blocks keep their `attention_weights`."""

import flax.linen as nn
import jax

from lcjax.errors import ConfigError
from lcjax.typing import Array, PyTree

KEPT = "attention_weights"
"""Under which a block `block_<i>` sows its weights, (B, H, L, L) float32, when the collection `intermediates` is asked for."""


def _by_block(model: nn.Module, variables: PyTree, batch: dict) -> dict[int, Array]:
    """Number of a block -> its weights."""
    kept = model.apply(variables, batch, mutable=["intermediates"])[1].get("intermediates", {})
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(kept):
        names = [key.key for key in path if isinstance(key, jax.tree_util.DictKey)]
        if KEPT in names:
            block = names[names.index(KEPT) - 1]
            found[int(str(block).removeprefix("block_"))] = leaf
    return found


def attending_blocks(model: nn.Module, variables: PyTree, batch: dict) -> int:
    """How many blocks keep their attention weights; 0: the network has no attention to show. Computes nothing."""
    return len(jax.eval_shape(lambda v, b: _by_block(model, v, b), variables, batch))


def attention_weights(model: nn.Module, variables: PyTree, batch: dict, block: int = -1) -> Array:
    """What every point takes of every other one in a block, (B, H, L, L) float32; rows (third axis) add up to 1.

    Args:
      batch: standardised windows, as the network takes them. block: from the first, or from the last if negative.

    Raises:
      ConfigError: there is no such block.
    """
    weights = _by_block(model, variables, batch)
    if not -len(weights) <= block < len(weights):
        raise ConfigError(f"there is no block {block}: the network has {len(weights)}")
    return weights[block % len(weights)]
