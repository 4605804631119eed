"""Transients: magnitudes below peak against days from peak, for the classes that survey brokers sort.

Every class is a function `(rng, days) -> delta`: `days` from maximum (N,), `delta` (N,) mag below peak (0 at peak,
positive is fainter). A survey sees them only while they outshine its limit (`survey.py`), so light curves are short.
Decline rates are those of the classes' literature averages (SN Ia: Phillips 1993 relation; TDE: t^(-5/3)).
"""

from collections.abc import Callable

import numpy as np

Generator = np.random.Generator


def _template(days: np.ndarray, nodes: list[float], values: list[float]) -> np.ndarray:
    """Piecewise-linear template smoothed over a day or two: dark before the first node, the last slope goes on."""
    last_slope = (values[-1] - values[-2]) / (nodes[-1] - nodes[-2])
    smooth = sum(np.interp(days + shift, nodes, values) for shift in (-1.0, 0.0, 1.0)) / 3.0
    after = np.maximum(days - nodes[-1], 0) * last_slope
    return np.where(days < nodes[0], 12.0, smooth + after)


def sn_ia(rng: Generator, days: np.ndarray) -> np.ndarray:
    """Type Ia: rise 15-20 d, Delta m15 0.8-1.7, a bend 30 d after maximum, then 0.015 mag/d."""
    stretch = float(np.clip(rng.normal(1.0, 0.12), 0.65, 1.3))
    nodes = [-18, -16, -13, -9, -5, 0, 5, 10, 15, 22, 30, 40, 80]
    values = [6.0, 3.6, 1.9, 0.75, 0.2, 0.0, 0.2, 0.6, 1.1, 1.8, 2.5, 2.95, 3.6]
    return _template(days / stretch, nodes, values)


def sn_ii(rng: Generator, days: np.ndarray) -> np.ndarray:
    """Type II: fast rise, plateau or linear decline for 80-120 d, a drop, then the cobalt tail."""
    plateau, slope = rng.uniform(75, 120), rng.choice([rng.uniform(0.002, 0.012), rng.uniform(0.015, 0.035)])
    nodes = [-9, -7, -4, 0, plateau, plateau + 25, plateau + 125]
    end = slope * plateau
    return _template(days, nodes, [6.0, 2.5, 0.5, 0.0, end, end + rng.uniform(1.0, 2.2), end + 3.0])


def sn_ibc(rng: Generator, days: np.ndarray) -> np.ndarray:
    """Types Ib and Ic: like Ia, a little broader in the rise and faster in the decline, no bend."""
    stretch = float(np.clip(rng.normal(1.0, 0.2), 0.6, 1.6))
    nodes = [-20, -16, -10, -5, 0, 5, 10, 15, 25, 40, 90]
    values = [6.0, 2.6, 1.0, 0.25, 0.0, 0.2, 0.55, 0.95, 1.6, 2.0, 2.9]
    return _template(days / stretch, nodes, values)


def slsn(rng: Generator, days: np.ndarray) -> np.ndarray:
    """Superluminous: rise and fall over months."""
    width = rng.uniform(25, 60)
    rising = 1.09 * (days / (0.75 * width)) ** 2
    falling = 1.09 * days / width * np.minimum(1.0, days / (0.4 * width))
    return np.where(days < 0, rising, falling)


def tde(rng: Generator, days: np.ndarray) -> np.ndarray:
    """Tidal disruption: rise over 15-40 d, then flux as (1 + t/t0)^(-5/3)."""
    rise, t0 = rng.uniform(15, 40), rng.uniform(35, 90)
    falling = 2.5 * (5 / 3) * np.log10(1 + np.maximum(days, 0) / t0)
    return np.where(days < 0, 1.09 * (days / (0.6 * rise)) ** 2, falling)


def nova(rng: Generator, days: np.ndarray) -> np.ndarray:
    """Nova: up within days, two magnitudes down in t2 = 5-60 d, slowing as a power law."""
    t2 = np.exp(rng.uniform(np.log(5), np.log(60)))
    falling = 4.4 * np.log10(1 + np.maximum(days, 0) / (0.55 * t2))
    return np.where(days < -5, 12.0, np.where(days < 0, -days * 1.8, falling))


def stellar_flare(rng: Generator, days: np.ndarray) -> np.ndarray:
    """M-dwarf flare: minutes up, exponential hours down (Davenport et al. 2014, fast and slow decay)."""
    hours = rng.uniform(0.3, 3.0)
    phase = np.maximum(days * 24.0 / hours, 0)
    flux = 0.69 * np.exp(-1.6 * phase) + 0.31 * np.exp(-0.28 * phase)
    return np.where(days * 24 < -0.2, 12.0, np.minimum(-2.5 * np.log10(np.maximum(flux, 1e-5)), 12.0))


TRANSIENTS: dict[str, Callable[[Generator, np.ndarray], np.ndarray]] = {
    "SNIa": sn_ia,
    "SNII": sn_ii,
    "SNIbc": sn_ibc,
    "SLSN": slsn,
    "TDE": tde,
    "NOVA": nova,
    "FLARE": stellar_flare,
}
"""Class name -> model."""
