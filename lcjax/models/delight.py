"""DELIGHT (AJ 164, 195; arXiv 2208.04310): where the host galaxy of a transient is, from a multi-resolution stack of its field.

The eight turned and mirrored copies of a stack, times its five resolutions, times the batch go through one shared
convolutional trunk in a single call, and the eight times batch concatenated features through one shared head. The answers
are turned back and averaged, so that turning the image turns the answer, exactly.

Parameter names against the published file (Keras): trunk/conv_{1,2,3} = conv2d, conv2d_1, conv2d_2; head/dense_{1,2} =
dense, dense_1.
"""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lcjax.global_batch import rows_of
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.dropout import RowDropout
from lcjax.models.pooling import max_pool
from lcjax.transforms.delight import mean_and_scatter
from lcjax.transforms.dihedral import MIRRORED_FIRST, copies, turn_vectors_back
from lcjax.typing import Array, Axis

VARIANTS = len(MIRRORED_FIRST)
GLOROT = nn.initializers.glorot_uniform()


class Trunk(nn.Module):
    """Three unpadded 3 x 3 convolutions with ReLU, a 2 x 2 maximum between them."""

    filters: tuple[int, int, int]
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(N, S, S, 1) -> (N, F), flattened in the order row, column, channel."""
        for number, width in enumerate(self.filters, start=1):
            x = nn.Conv(width, (3, 3), padding="VALID", dtype=self.dtype, kernel_init=GLOROT, name=f"conv_{number}")(x)
            x = nn.relu(x)
            self.sow("intermediates", f"conv_{number}_out", x)
            if number < len(self.filters):
                x = max_pool(x)
                self.sow("intermediates", f"pool_{number}_out", x)
        return x.reshape(x.shape[0], -1)


class Head(nn.Module):
    """Dense tanh layer, dropout, linear answers."""

    hidden: int
    outputs: int
    dropout: float
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array, row: Array | None, deterministic: bool) -> Array:
        """(N, F) -> (N, outputs) float32."""
        x = jnp.tanh(nn.Dense(self.hidden, dtype=self.dtype, kernel_init=GLOROT, name="dense_1")(x))
        self.sow("intermediates", "dense_1_out", x)
        x = RowDropout(self.dropout)(x, row, deterministic)
        return nn.Dense(self.outputs, dtype=jnp.float32, kernel_init=GLOROT, name="dense_2")(x)


class Delight(nn.Module):
    """The network; see `DelightModelConfig` for its two heads."""

    config: DelightModelConfig
    dtype: DTypeLike = jnp.float32
    variants: int = VARIANTS
    """Copies of each stack: the first so many of the eight. 1: the stack as it is, to train on copies drawn at random."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Answers for a batch of normalised stacks.

        Args:
          batch: `levels` (B, S, S, L) float32, axes (x, y, level), as `lcjax.transforms.network_input` makes them;
            optional `row` (B,) int32, which keys dropout.
          deterministic: no dropout.
          axis: that rows are spread over, where dropout numbers them itself (no `row` in the batch).

        Returns:
          For `offset`: `raw` (B, 8 outputs) float32, variant after variant; `offsets` (B, 8, outputs) turned back;
          `offset` (B, 2) and `scatter` (B,), all in pixels of the image; with 3 outputs `size` (B,).
          For `mixture`: `centres` (B, 8 K, 2) and `widths` (B, 8 K) pixels, `log_weights` (B, 8 K), `hostless_logit` (B,).
        """
        cfg = self.config
        levels = batch["levels"]
        chex.assert_shape(levels, (None, cfg.side, cfg.side, cfg.levels))
        count = levels.shape[0]
        variants = copies(levels, MIRRORED_FIRST[: self.variants]).astype(self.dtype)
        planes = jnp.moveaxis(variants, -1, 2).reshape(-1, *levels.shape[1:3], 1)
        features = Trunk(cfg.filters, self.dtype, name="trunk")(planes)
        features = features.reshape(self.variants * count, -1)
        self.sow("intermediates", "features", features)
        outputs = cfg.outputs if cfg.head == "offset" else 4 * cfg.components + 1
        rows = None
        if not deterministic:
            # Every variant of a row draws its own dropout.
            rows = (rows_of(batch, count, axis) + jnp.arange(self.variants)[:, None] * (1 << 24)).reshape(-1)
        answers = Head(cfg.hidden, outputs, cfg.dropout, self.dtype, name="head")(features, rows, deterministic)
        answers = jnp.swapaxes(answers.reshape(self.variants, count, outputs), 0, 1).astype(jnp.float32)
        return self._offset(answers) if cfg.head == "offset" else self._mixture(answers)

    def _offset(self, answers: Array) -> dict[str, Array]:
        answers = answers * self.config.unit
        offsets = turn_vectors_back(answers)
        mean, scatter = mean_and_scatter(offsets[..., :2])
        found = {"raw": answers.reshape(answers.shape[0], -1), "offsets": offsets, "offset": mean, "scatter": scatter}
        if self.config.outputs > 2:
            found["size"] = jnp.mean(offsets[..., 2], axis=1)
        return found

    def _mixture(self, answers: Array) -> dict[str, Array]:
        cfg = self.config
        count, number = answers.shape[0], cfg.components
        centres = answers[..., : 2 * number].reshape(count, self.variants, number, 2) * cfg.unit
        centres = jnp.swapaxes(turn_vectors_back(jnp.swapaxes(centres, 1, 2)), 1, 2).reshape(count, -1, 2)
        widths = cfg.min_width + cfg.unit * jax.nn.softplus(answers[..., 2 * number : 3 * number] - 1.0)
        log_weights = jax.nn.log_softmax(answers[..., 3 * number : 4 * number], axis=-1) - jnp.log(self.variants)
        return {
            "centres": centres,
            "widths": widths.reshape(count, -1),
            "log_weights": log_weights.reshape(count, -1),
            "hostless_logit": jnp.mean(answers[..., -1], axis=1),
        }
