"""Any head on an encoder or on a bare light curve: what it reads of a window, and what it makes of it.

A head that needs one vector a layer is given just that, as layers of a single point. So whoever keeps what a frozen encoder
gave (`head_inputs`) computes the same logits as whoever runs the encoder every time.
"""

from collections.abc import Sequence
from typing import Any

import chex
import flax.linen as nn
import jax.numpy as jnp
from jax.typing import DTypeLike

from lcjax.models.dropout import RowDropout
from lcjax.models.heads import ClassifierHead, Mlp, pool_max, pool_mean
from lcjax.models.light_curve_head_config import MEAN_HEADS, RECURRENT_HEADS, HeadConfig
from lcjax.models.recurrent import LastState, StackedLstmCell
from lcjax.transforms.scaling import masked_mean, scale_window
from lcjax.typing import Array, Axis


def head_inputs(config: HeadConfig, layers: Sequence[Array], mask: Array) -> dict[str, Any]:
    """What a head reads of an encoder's output.

    Args:
      layers: of (B, L, D), input embedding first. mask: (B, L) bool, the points that are there.

    Returns:
      `layers`, those that the head reads, and `mask`; for heads of `MEAN_HEADS` layers of a single point (B, 1, D).
    """
    chex.assert_rank([*layers, mask], [*[3] * len(layers), 2])
    chex.assert_equal_shape_prefix([*layers, mask], 2)
    chex.assert_type(mask, bool)
    kind = config.kind
    if config.inverted_mask and kind in ("avg_mlp", "att_avg", "att_cls"):
        mask = ~mask
    if kind in ("input_mean", "input_gru"):
        layers = layers[:1]
    elif kind != "skip_avg_mlp":
        layers = layers[-1:]
    layers = tuple(x.astype(jnp.float32) for x in layers)
    if kind not in MEAN_HEADS:
        return {"layers": layers, "mask": mask}
    pool = pool_max if kind == "max" else pool_mean
    return {"layers": tuple(pool(x, mask)[:, None] for x in layers), "mask": jnp.ones((mask.shape[0], 1), bool)}


def raw_inputs(config: HeadConfig, batch: dict) -> dict[str, Any]:
    """What the heads without an encoder read: one layer (B, L, 2), time and magnitude scaled in every window, or `gaps`."""
    if config.scaling == "gaps":
        return {"layers": (gaps_and_spreads(batch),), "mask": batch["mask"]}
    how = "minmax" if config.scaling == "range" else "zero-mean"
    series = [scale_window(batch[name], batch["mask"], how) for name in ("time", "magnitude")]
    return {"layers": (jnp.stack(series, axis=-1),), "mask": batch["mask"]}


def gaps_and_spreads(batch: dict) -> Array:
    """Log10 days since the point before, magnitude in spreads, log10 spread (mag), log10 error (mag); 0 in the padding.

    Args:
      batch: `time` (days, ascending), `magnitude`, `magnitude_error` (mag), `mask`, (B, L) each.

    Returns:
      (B, L, 4). What is shorter than 1e-3 days, or smaller than 1e-3 mag, counts as that; so does the first gap.
    """
    mask, time = batch["mask"], batch["time"]
    chex.assert_rank(mask, 2)
    chex.assert_equal_shape([mask, time, batch["magnitude"], batch["magnitude_error"]])
    log = lambda x: jnp.log10(jnp.maximum(x, 1e-3))
    deviation = scale_window(batch["magnitude"], mask)
    spread = jnp.sqrt(masked_mean(deviation**2, mask))
    columns = [
        log(jnp.diff(time, axis=1, prepend=time[:, :1])),
        deviation / jnp.maximum(spread, 1e-3),
        jnp.broadcast_to(log(spread), time.shape),
        log(batch["magnitude_error"]),
    ]
    return jnp.where(mask[..., None], jnp.stack(columns, axis=-1), 0.0)


def build_head(config: HeadConfig, num_classes: int, dtype: DTypeLike = jnp.float32) -> nn.Module:
    """The module of a head; called with `head_inputs` or `raw_inputs`, and `row` where there is dropout."""
    if config.kind in RECURRENT_HEADS:
        return RecurrentHead(config, num_classes, dtype)
    return ClassifierHead(num_classes, config.kind, config.widths, dtype)  # type: ignore[arg-type]


def standardised_over_time(x: Array, mask: Array, padding: bool = False) -> Array:
    """Every channel of (B, L, D) with mean 0 and spread 1 over the points of `mask` (B, L), or over all steps."""
    chex.assert_rank([x, mask], [3, 2])
    chex.assert_equal_shape_prefix([x, mask], 2)
    over = jnp.ones_like(mask)[..., None] if padding else mask[..., None]
    mean = masked_mean(x, over, axis=1)
    spread = jnp.sqrt(masked_mean((x - mean) ** 2, over, axis=1))
    return (x - mean) / jnp.where(spread > 0, spread, 1.0)


class RecurrentHead(nn.Module):
    """An LSTM or GRU over the window, point after point.

    `lstm_att`, `raw_lstm`: two stacked LSTMs, dropout, linear classifier (A&A 670, A54). `input_gru`, `raw_gru`: a GRU and
    the MLP of the other heads (A&A 707, A170).
    """

    config: HeadConfig
    num_classes: int
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """As `ClassifierHead`: `layers`, the last of which is read, `mask`, and `row` (B,) where there is dropout.

        Returns:
          `logits` (B, num_classes) float32; `embedding` (B, units), the last state.
        """
        del axis
        config, x, mask = self.config, batch["layers"][-1], batch["mask"]
        if config.kind in ("raw_gru", "input_gru"):
            state = LastState(nn.GRUCell, config.units, name="gru")(x, mask)
            return {"logits": Mlp(self.num_classes, config.widths, self.dtype, name="mlp")(state), "embedding": state}
        if config.kind == "lstm_att":
            x = standardised_over_time(x, mask, config.padding_in_statistics)
        state = LastState(StackedLstmCell, config.units, 4, name="lstm")(x, mask)
        kept = RowDropout(config.dropout)(state, batch.get("row"), deterministic)
        return {"logits": nn.Dense(self.num_classes, name="logits")(kept).astype(jnp.float32), "embedding": state}
