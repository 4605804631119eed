"""Light curves whose brightness was measured as flux: as asinh magnitudes, so that no point is lost for its sign.

All bands of a star share one softening and one zero point, so that its colours are those of its magnitudes where it is bright. What
can mean two things is refused: differences, which are no brightness of a star, and colours of fluxes without a zero point.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.transforms.asinh_magnitudes import POGSON, asinh_magnitudes_of

DIFFERENCE, RELATIVE = "difference_flux", "relative_flux"
ERRORS, MOST = 5.0, 0.05
"""Errors below 0, which no star's light is, and the share of points so far below from which on they are no total fluxes."""


class Fluxes(Protocol):
    """Measured fluxes of one light curve."""

    mjd: np.ndarray
    flux: np.ndarray
    flux_error: np.ndarray
    kind: str
    """`total_flux`, `difference_flux` or `relative_flux`."""
    zero_point: float
    """mag of a flux of 1; NaN where it is not known."""


class Curve(Protocol):
    """One star in one band, measured as magnitudes or as fluxes."""

    object_id: str
    band: str
    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray
    fluxes: Fluxes | None


@dataclass(frozen=True, eq=False)
class AsinhCurve:
    """One star in one band in asinh magnitudes."""

    object_id: str
    band: str
    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray


def asinh_curves(
    curves: Sequence[Curve], difference: bool = False, zero_point: bool = False
) -> Sequence[Curve | AsinhCurve]:
    """The light curves of a star that is looked at whole, all in asinh magnitudes where any has fluxes; else as they are.

    Args:
      difference: take differences for fluxes of the object. zero_point: whether the model looks at the brightness itself.

    Raises:
      ConfigError: fluxes that can mean two things. DataError: what no star's light is, or brightnesses that are not of one kind.
    """
    measured = [curve for curve in curves if curve.fluxes is not None]
    if not measured:
        return curves
    name = measured[0].object_id
    kinds = {curve.fluxes.kind for curve in measured if curve.fluxes is not None}
    others = len(measured) < len(curves)
    if len(kinds) > 1 or (others and kinds & {DIFFERENCE, RELATIVE}):
        words = sorted(kind.replace("_", " ") for kind in (*kinds, *(["magnitude"] if others else [])))
        raise DataError(f"bands measured in different ways: {' and '.join(words)}")
    kind = kinds.pop()
    if kind == DIFFERENCE and not difference:
        raise ConfigError(
            f"the fluxes of '{name}' are differences, which are the brightness of what the reference image does not show alone: say "
            "--fluxes.difference True for such objects (supernovae), or give total fluxes with --columns.flux"
        )
    zeros = [curve.fluxes.zero_point for curve in measured if curve.fluxes is not None]
    if np.isnan(zeros).any() and (zero_point or len({curve.band for curve in curves}) > 1):
        raise ConfigError(
            f"the fluxes of '{name}' have no zero point, which colours and brightness need: say --columns.zero-point, or the --columns.unit"
        )
    zero = 0.0 if np.isnan(zeros).any() else zeros[0]
    series = [_fluxes(curve, zero) for curve in curves]
    flux, error = (np.concatenate([one[i] for one in series]) for i in (1, 2))
    below = int(np.count_nonzero(flux < -ERRORS * error))
    if kind != DIFFERENCE and below > MOST * len(flux):
        raise DataError(
            f"fluxes of no star's light: {below} of {len(flux)} are below 0 by more than {ERRORS:g} errors; if they are differences, say "
            "--columns.difference"
        )
    magnitude, spread = asinh_magnitudes_of(flux, error, zero)
    ends = np.cumsum([len(one[0]) for one in series])[:-1]
    parts = zip(curves, series, np.split(magnitude, ends), np.split(spread, ends), strict=True)
    return [
        AsinhCurve(curve.object_id, curve.band, mjd, own.astype(np.float32), sigma.astype(np.float32))
        for curve, (mjd, _, _), own, sigma in parts
    ]


def _fluxes(curve: Curve, zero: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, fluxes and errors in a zero point, (N,) float64 each."""
    if curve.fluxes is None:
        flux = 10.0 ** (-0.4 * (np.asarray(curve.magnitude, np.float64) - zero))
        return curve.mjd, flux, flux * np.asarray(curve.magnitude_error, np.float64) / POGSON
    own = curve.fluxes
    scale = 1.0 if np.isnan(own.zero_point) else 10.0 ** (0.4 * (zero - own.zero_point))
    return own.mjd, np.asarray(own.flux, np.float64) * scale, np.asarray(own.flux_error, np.float64) * scale


Item = Curve | AsinhCurve | tuple[Curve | AsinhCurve, ...] | Rejection


def as_measured(
    items: Iterable[Curve | tuple[Curve, ...] | Rejection],
    convert: Callable[[Sequence[Curve]], Sequence[Curve | AsinhCurve]],
) -> Iterator[Item]:
    """Light curves, and stars as tuples of them, with fluxes as magnitudes; what is no star's light is set aside.

    Args:
      convert: `asinh_curves` with its settings.
    """
    for item in items:
        if isinstance(item, Rejection):
            yield item
            continue
        curves = item if isinstance(item, tuple) else (item,)
        try:
            found = convert(curves)
        except DataError as error:
            yield Rejection(curves[0].object_id, str(error), "")
            continue
        yield tuple(found) if isinstance(item, tuple) else found[0]
