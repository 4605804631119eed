"""Which points the network must predict, and which it may see (A&A 670, A54; the same in A&A 707, A170).

Of n real points floor(n p) are *probed* (enter the loss). A share `same` of the probed ones stays visible with its true
value, a share `random` of the rest becomes visible with the value of another point, the remainder is hidden.
Randomness is split into a draw of scores (`draw_masks`) and their deterministic use (`apply_masks`), so that recorded
permutations of the originals can be injected. Scores of a row depend on (key, row) alone: the same masks fall on any
number of devices.
"""

from typing import Literal, NamedTuple

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.typing import Array, Axis


class MaskDraw(NamedTuple):
    """Three orderings of positions (smaller score first) and one shuffle of values, each (B, L)."""

    probe: Array
    same: Array
    random: Array
    value_from: Array  #: int32, position whose magnitude a randomised point takes


def row_keys(key: Array, batch: dict, axis: Axis = None) -> Array:
    """One PRNG key per row, (B,): fold_in(key, global row index); `axis`: that rows are spread over."""
    row = rows_of(batch, batch["mask"].shape[0], axis)
    return jax.vmap(lambda r: jax.random.fold_in(key, r))(row)


def draw_masks(keys: Array, mask: Array) -> MaskDraw:
    """Uniform scores per position; `value_from` is a random permutation of the row's real points.

    Args:
      keys: (B,) typed keys. mask: (B, L) bool, real points, left-aligned.
    """
    chex.assert_rank([keys, mask], [1, 2])
    chex.assert_equal_shape_prefix([keys, mask], 1)

    def one(key: Array, real: Array) -> MaskDraw:
        scores = jax.random.uniform(key, (4, real.shape[0]))
        order = jnp.argsort(jnp.where(real, scores[3], 2.0))
        return MaskDraw(scores[0], scores[1], scores[2], order.astype(jnp.int32))

    return jax.vmap(one)(keys, mask)


def _first(scores: Array, among: Array, count: Array) -> Array:
    """The `count` members of `among` with the smallest scores, as (B, L) bool."""
    order = jnp.argsort(jnp.where(among, scores, jnp.inf), axis=-1)
    rank = jnp.argsort(order, axis=-1)
    return among & (rank < count[:, None])


def _true_values_only(value_from: Array, shown: Array, randomised: Array) -> Array:
    """Redirects the randomised points to points of `shown`, in the order of the shuffle; (B, L) int32."""
    place = jnp.argsort(value_from, axis=-1)
    sources = jnp.argsort(jnp.where(shown, place, place.shape[-1]), axis=-1)
    turn = jnp.cumsum(randomised, axis=-1) - 1
    turn = turn % jnp.maximum(jnp.sum(shown, axis=-1, keepdims=True), 1)
    return jnp.take_along_axis(sources, jnp.maximum(turn, 0), axis=-1)


def apply_masks(
    draw: MaskDraw,
    magnitude: Array,
    mask: Array,
    probed: float,
    same: float,
    random: float,
    values_from: Literal["all", "visible"] = "all",
) -> tuple[Array, Array, Array]:
    """Turns a draw into (probed, visible, input magnitudes), each (B, L).

    `probed` = 1 is special: every real point is scored and stays visible. The padding is never visible or probed.
    Input magnitudes keep their true value at hidden points, as the originals do; it is the network that hides them.

    Args:
      draw: (B, L) each. magnitude: (B, L) mag. mask: (B, L) bool, real points.
      probed, same, random: shares in [0, 1].
      values_from: whose magnitudes randomised points take. `all` real points as in the originals, which lets the
        magnitude of a hidden point be seen at another time; `visible` takes those that are shown with their true value.
    """
    chex.assert_rank([magnitude, mask], 2)
    chex.assert_equal_shape([*draw, magnitude, mask])
    chex.assert_type(mask, bool)
    if probed >= 1.0:
        return mask, mask, magnitude
    n = jnp.sum(mask, axis=-1).astype(jnp.float32)
    k = jnp.floor(n * jnp.float32(probed))
    is_probed = _first(draw.probe, mask, k)
    n_same = jnp.ceil(k * jnp.float32(same))
    is_same = _first(draw.same, is_probed, n_same)
    hidden = is_probed & ~is_same
    n_random = jnp.ceil((k - n_same) * jnp.float32(random))
    is_random = _first(draw.random, hidden, n_random)
    visible = mask & ~(hidden & ~is_random)
    value_from = draw.value_from
    if values_from == "visible":
        value_from = _true_values_only(value_from, visible & ~is_random, is_random)
    shuffled = jnp.take_along_axis(magnitude, value_from, axis=-1)
    return is_probed, visible, jnp.where(is_random, shuffled, magnitude)


def mask_for_pretraining(
    key: Array,
    batch: dict,
    probed: float = 0.5,
    same: float = 0.2,
    random: float = 0.2,
    values_from: Literal["all", "visible"] = "all",
    axis: Axis = None,
) -> dict:
    """Adds `probed`, `visible`, `target` (true magnitudes) to a batch and replaces randomised input magnitudes.

    Args:
      key: typed key; masks of a row depend on it and on `batch["row"]` (default: number in the global batch) alone.
      batch: LightCurveBatch, raw or standardised.
      probed, same, random, values_from: see `apply_masks`. axis: that rows are spread over.
    """
    draw = draw_masks(row_keys(key, batch, axis), batch["mask"])
    is_probed, visible, magnitude = apply_masks(
        draw, batch["magnitude"], batch["mask"], probed, same, random, values_from
    )
    return {
        **batch,
        "probed": is_probed,
        "visible": visible,
        "target": batch["magnitude"],
        "magnitude": magnitude,
    }
