"""Hidden points from visible ones: attention whose positions are phases at candidate periods, or times.

Each expert looks at the visible points in one way: with weights that fall with the distance in phase at one candidate
(von Mises kernels of learned widths), with the distance in time (exponential kernels of learned lengths), by a fit of
harmonics, or by the mean alone. How well an expert predicts each visible point from the others tells which to trust: a
gate weighs them, and the shares that fall to each period are its probability. Nothing of a hidden point is used but the
time at which it is asked for.
"""

from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.models.star_encoder import candidate_numbers
from lcjax.models.star_encoder_config import StarDecoderConfig
from lcjax.transforms.frequency_grid import Frequency, cycles, phase
from lcjax.transforms.peaks import scaled
from lcjax.typing import Array, Axis

FLOOR = 1e-3
"""Of squared errors, in the variance of the visible points."""


class Experts(NamedTuple):
    """What E experts say of each of L points, of a visible one from the others alone."""

    mean: Array  #: (B, E, L) in spreads of the visible points
    support: Array  #: (B, E, L) log of about how many points speak for it


def _joined(*parts: Experts) -> Experts:
    return Experts(*(jnp.concatenate(some, axis=1) for some in zip(*parts, strict=True)))


def smoothed(kernel: Array, value: Array, weight: Array, shrink: float = 0.3) -> Experts:
    """Kernel means of the other points, (B, E, L): kernel (B, E, L, L) with ones on the diagonal, value and weight (B, L).

    Args:
      weight: of each point, about 1, 0 where not visible. shrink: points at 0 that are added.
    """
    sums = jnp.einsum("belm,bmc->becl", kernel, jnp.stack([weight, weight * value], axis=-1))
    total, mean = sums[:, :, 0] - weight[:, None], sums[:, :, 1] - (weight * value)[:, None]
    total = jnp.maximum(total, 0.0)
    return Experts(mean / (total + shrink), jnp.log(total + 0.1))


def inverted(matrix: Array) -> Array:
    """Inverses of small positive definite matrices (..., n, n), swept row by row: no library call for each of thousands."""
    for i in range(matrix.shape[-1]):
        here = np.arange(matrix.shape[-1]) == i
        pivot = matrix[..., i : i + 1, i : i + 1]
        row, column = matrix[..., i : i + 1, :] / pivot, matrix[..., :, i : i + 1]
        rest = matrix - column * row
        matrix = jnp.where(here[:, None], jnp.where(here, 1.0 / pivot, row), jnp.where(here, -column / pivot, rest))
    return matrix


def harmonic_fits(phases: Array, value: Array, weight: Array, harmonics: int, ridge: float = 0.5) -> Experts:
    """Ridge fits of harmonics at each frequency, phases (B, F, L) in cycles; of a visible point, without itself.

    The penalty grows with the square of the order, as in `lcjax.evaluation.harmonic_fit`.
    """
    order = np.arange(1, harmonics + 1)
    angle = 2 * np.pi * phases[..., None] * order
    design = jnp.concatenate([jnp.ones_like(angle[..., :1]), jnp.cos(angle), jnp.sin(angle)], axis=-1)
    weighted = design * weight[:, None, :, None]
    penalty = np.diag(np.concatenate([[0.1], np.tile(ridge * order**2, 2)])).astype(np.float32)
    normal = jnp.einsum("bfli,bflj->bfij", weighted, design) + penalty
    inverse = inverted(normal)
    coefficients = jnp.einsum("bfij,bfli,bl->bfj", inverse, weighted, value)
    mean = jnp.einsum("bflj,bfj->bfl", design, coefficients)
    leverage = jnp.einsum("bfli,bfij,bflj->bfl", design, inverse, design)
    own = jnp.clip(weight[:, None] * leverage, 0.0, 0.95)
    without = mean - own / (1 - own) * (value[:, None] - mean)
    shown = weight[:, None] > 0
    return Experts(jnp.where(shown, without, mean), -jnp.log(jnp.maximum(leverage, 1e-3)))


class StarDecoder(nn.Module):
    """Visible points and views -> `mean`, `log_scale`, `tails` (degrees of freedom of Student's t) and `log_error`
    (log of half its central 68 %), (B, L) each in spreads of the visible points, and `period_probability` (B, 2 K + 1): of each candidate and its double, the last of none.
    """

    config: StarDecoderConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Decodes `value`, `weight` (B, L; 0 and 0 where not visible), `time` (B, L), `turns` (B, L), `views`, `embedding`."""
        config, views = self.config, batch["views"]
        value, weight = batch["value"], batch["weight"]
        chex.assert_rank([value, batch["embedding"]], 2)
        chex.assert_equal_shape([value, weight, batch["time"], batch["turns"]])
        periods = 2 * views.frequency.shape[1]
        experts, of = self._experts(batch, periods)
        shown = (weight > 0).astype(jnp.float32)
        count = jnp.maximum(jnp.sum(shown, axis=1), 2.0)
        squares = jnp.sum(shown[:, None] * (value[:, None] - experts.mean) ** 2, axis=-1) / count[:, None]
        log_error = jnp.log(squares + FLOOR)
        gain = log_error - jnp.min(log_error, axis=1, keepdims=True)
        about = _padded(jnp.repeat(candidate_numbers(views), 2, axis=1))[:, of]
        star = nn.gelu(nn.Dense(config.width, name="star")(batch["embedding"]))
        kind = jnp.broadcast_to(jnp.eye(len(of)), (len(value), len(of), len(of)))
        log_count = jnp.broadcast_to(jnp.log(count)[:, None, None], (*log_error.shape, 1))
        known = jnp.concatenate([log_error[..., None], gain[..., None], about, kind, log_count], axis=-1)
        known = nn.Dense(config.width, name="known")(known) + star[:, None]
        logit = nn.Dense(1, name="gate")(nn.gelu(known))[..., 0]
        trust = nn.softplus(self.param("trust", nn.initializers.constant(0.0), ()))
        logit = logit - trust * jnp.minimum(0.5 * jnp.sqrt(count)[:, None] * gain, 20.0)
        found = self._combined(experts, logit, log_error, star)
        share = jax.nn.softmax(logit, axis=1)
        belongs = jnp.asarray(np.eye(periods + 1, dtype=np.float32)[of])
        return {**found, "period_probability": share @ belongs}

    def _experts(self, batch: dict, periods: int) -> tuple[Experts, np.ndarray]:
        """All experts, and the number of the period each stands on, `periods` where it stands on none."""
        config, value, weight = self.config, batch["value"], batch["weight"]
        place = batch["views"].candidates.frequency
        both = [
            jnp.stack(pair, axis=-1).reshape(len(value), -1) for pair in zip(place, scaled(place, 0.5), strict=True)
        ]
        turned = phase(batch["turns"][:, None], Frequency(both[0][..., None], both[1][..., None]))
        phases = cycles(turned)
        angle = 2 * np.pi * phases
        sine, cosine = jnp.sin(angle), jnp.cos(angle)
        near = jnp.einsum("bfl,bfm->bflm", cosine, cosine) + jnp.einsum("bfl,bfm->bflm", sine, sine) - 1.0
        parts, of = [], []
        sharp = self.param("log_sharpness", lambda key: jnp.log(jnp.array(config.sharpness, jnp.float32)))
        for i in range(len(config.sharpness)):
            parts.append(smoothed(jnp.exp(jnp.exp(sharp[i]) * near), value, weight))
        for harmonics in config.harmonics:
            parts.append(harmonic_fits(phases, value, weight, harmonics))
        of += list(range(periods)) * len(parts)
        apart = jnp.abs(batch["time"][:, :, None] - batch["time"][:, None])[:, None]
        days = self.param("log_days", lambda key: jnp.log(jnp.array(config.days, jnp.float32)))
        parts.append(smoothed(jnp.exp(-apart / jnp.exp(days)[:, None, None]), value, weight))
        nothing = jnp.zeros_like(value)[:, None]
        parts.append(Experts(nothing, nothing))
        of += [periods] * (len(config.days) + 1)
        return _joined(*parts), np.array(of)

    def _combined(self, experts: Experts, logit: Array, log_error: Array, star: Array) -> dict[str, Array]:
        """Mixes the experts at each point."""
        weigh = self.param("support", nn.initializers.zeros, (logit.shape[1], 2))
        logit = logit[..., None] + weigh[:, :1] * jnp.tanh(experts.support) + weigh[:, 1:] * experts.support
        share = jax.nn.softmax(logit, axis=1)
        mean = jnp.sum(share * experts.mean, axis=1)
        expected = jnp.sum(share * jnp.exp(log_error)[..., None], axis=1)
        dissent = jnp.sum(share * (experts.mean - mean[:, None]) ** 2, axis=1)
        support = jnp.sum(share * experts.support, axis=1)
        columns = [
            jnp.log(expected + dissent),
            jnp.log(expected),
            jnp.log(dissent + FLOOR),
            support,
            mean,
            jnp.abs(mean),
        ]
        x = nn.Dense(self.config.width, name="point")(jnp.stack(columns, axis=-1)) + star[:, None]
        more = nn.Dense(3, name="point_out", kernel_init=nn.initializers.zeros)(nn.gelu(x))
        log_scale = 0.5 * jnp.log(expected + dissent) + more[..., 0]
        log_scale = jnp.clip(log_scale, -5.0, 3.0)
        tails = 2.0 + nn.softplus(more[..., 1] + 2.0)
        # Half of the central 68.27 % of Student's t, to 0.01 for two degrees of freedom or more.
        log_error = log_scale + jnp.log1p(0.494 / tails + 0.296 / tails**2)
        return {"mean": mean * (1 + more[..., 2]), "log_scale": log_scale, "tails": tails, "log_error": log_error}


def _padded(numbers: Array) -> Array:
    """(B, F, C) -> (B, F + 1, C), zeros for what stands on no period."""
    return jnp.pad(numbers, ((0, 0), (0, 1), (0, 0)))
