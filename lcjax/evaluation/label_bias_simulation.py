"""Galaxy catalogues whose labels have a bias of chosen strength, to see whether the metric finds it (Cabrera-Vives et al. 2018)."""

import math
from collections.abc import Mapping

import numpy as np

from lcjax.errors import DataError, MissingExtraError

INTRINSIC = ("radius_kpc", "absolute_magnitude", "redshift")
OBSERVED = ("magnitude", "radius_over_seeing")
MEASURED = ("redshift", "radius", "magnitude", "seeing")
"""Columns that all others follow from: radius in arcsec, seeing (full width at half maximum) in arcsec."""
_BRIGHT = 17.8
"""mag, from which on magnitude hides no structure."""
_SIGMAS_IN_WIDTH = 2 * math.sqrt(2 * math.log(2))
_ARCSEC = math.pi / 648_000
BANDWIDTHS = np.logspace(-2, 0, 10)

Catalogue = dict[str, np.ndarray]


def simulated_catalogue(rng: np.random.Generator, objects: int) -> Catalogue:
    """Galaxies with all columns, and `true_class` 0 or 1 at equal odds.

    Redshift 0.01 + Gamma(4, 0.03); radius lognormal(1.6, 0.4) kpc; M = -20.5 - 1.2 ln(R / 5 kpc) + 0.9 N(0, 1); seeing 1.3 + 0.1
    N(0, 1) arcsec; an angular distance of 4280 z / (1 + z)^1.2 Mpc, a simple stand-in for a cosmology.
    """
    redshift = 0.01 + rng.gamma(4, 0.03, objects)
    radius = rng.lognormal(1.6, 0.4, objects)
    absolute = -20.5 - 1.2 * np.log(radius / 5) + 0.9 * rng.normal(size=objects)
    seeing = 1.3 + 0.1 * rng.normal(size=objects)
    distance = 4280 * redshift / (1 + redshift) ** 1.2
    angle = radius / (distance * 1000) / _ARCSEC
    measured = {"redshift": redshift, "radius": angle, "magnitude": absolute + _modulus(redshift), "seeing": seeing}
    return measured | {
        "radius_kpc": radius,
        "absolute_magnitude": absolute,
        "radius_over_seeing": _SIGMAS_IN_WIDTH * angle / seeing,
        "true_class": (rng.random(objects) < 0.5).astype(np.int64),
    }


def _modulus(redshift: np.ndarray) -> np.ndarray:
    return 5 * np.log10(4.28e8 * redshift)


def catalogue_like(
    rng: np.random.Generator, table: Mapping[str, np.ndarray], objects: int, fitted: int = 2000
) -> Catalogue:
    """Galaxies distributed as those of a real table: Gaussian kernel density of its standardised columns, bandwidth by cross-validation
    over ten values between 0.01 and 1. Draws that no galaxy can have (a radius, a seeing or a redshift below 0) are drawn again.

    Args:
      table: `redshift`, `radius` (arcsec), `magnitude` and `seeing` (arcsec). fitted: rows, at most, that the density is fitted on.

    Raises:
      MissingExtraError: scikit-learn or astropy is not there. DataError: the table has no rows, or is no galaxies'.
    """
    try:
        from sklearn.model_selection import GridSearchCV
        from sklearn.neighbors import KernelDensity
    except ImportError:
        raise MissingExtraError("scikit-learn", "classic", "catalogues like a real one") from None
    rows = np.stack([np.asarray(table[name], np.float64) for name in MEASURED], axis=1)
    rows = rows[np.isfinite(rows).all(axis=1)]
    positive = [MEASURED.index(name) for name in ("redshift", "radius", "seeing")]
    rows = rows[(rows[:, positive] > 0).all(axis=1)]
    if len(rows) < 10:
        raise DataError(
            f"{len(rows)} galaxies with redshift, radius, magnitude and seeing are too few to draw others like them"
        )
    rows = rows[rng.permutation(len(rows))[:fitted]]
    middle, width = rows.mean(0), rows.std(0)
    width = np.where(width > 0, width, 1.0)
    search = GridSearchCV(KernelDensity(), {"bandwidth": BANDWIDTHS}).fit((rows - middle) / width)
    kernel, drawn = search.best_estimator_.bandwidth, np.empty((0, len(MEASURED)))
    while len(drawn) < objects:
        centre = rows[rng.integers(0, len(rows), objects)]
        some = centre + width * kernel * rng.normal(size=centre.shape)
        drawn = np.concatenate([drawn, some[(some[:, positive] > 0).all(axis=1)]])
    measured = dict(zip(MEASURED, drawn[:objects].T, strict=True))
    return derived(measured) | {"true_class": (rng.random(objects) < 0.5).astype(np.int64)}


def derived(measured: Mapping[str, np.ndarray]) -> Catalogue:
    """Measured columns and what follows: radius in kpc at the angular-diameter distance of WMAP9, absolute magnitude m - 5 log10(4.28e8
    z), and radius over seeing, 2 sqrt(2 ln 2) r / seeing.

    Raises:
      MissingExtraError: astropy is not there.
    """
    try:
        from astropy.cosmology import WMAP9
    except ImportError:
        raise MissingExtraError("astropy", "data", "distances of galaxies") from None
    redshift = np.asarray(measured["redshift"], np.float64)
    kpc = WMAP9.angular_diameter_distance(redshift).to_value("kpc")
    return dict(measured) | {
        "radius_kpc": np.asarray(measured["radius"]) * _ARCSEC * kpc,
        "absolute_magnitude": np.asarray(measured["magnitude"]) - _modulus(redshift),
        "radius_over_seeing": _SIGMAS_IN_WIDTH * np.asarray(measured["radius"]) / np.asarray(measured["seeing"]),
    }


def chance_of_loss(catalogue: Mapping[str, np.ndarray], strength: float) -> np.ndarray:
    """(N,) chance that a galaxy of class 1 is called class 0: g^(1 / b^2), g = exp(-(r^2 / 2 r_m^2 + m'^2 / 2 m_m^2)).

    r is the radius over the seeing, r_m its median, m' = magnitude - 17.8, m_m the same of the median; of galaxies fainter than
    17.8 only the radius counts. A strength b of 0 is no bias.
    """
    if strength == 0:
        return np.zeros(len(catalogue["magnitude"]))
    size, bright = np.asarray(catalogue["radius_over_seeing"]), np.asarray(catalogue["magnitude"]) - _BRIGHT
    with np.errstate(divide="ignore"):
        of_magnitude = np.where(bright < 0, bright**2 / (2 * np.median(bright) ** 2), 0.0)
    return np.exp(-(size**2 / (2 * np.median(size) ** 2) + of_magnitude) / strength**2)


def biased_labels(rng: np.random.Generator, catalogue: Mapping[str, np.ndarray], strength: float) -> np.ndarray:
    """(N,) classes after a bias: some of class 1 are lost to class 0."""
    true = np.asarray(catalogue["true_class"])
    return np.where(rng.random(len(true)) < chance_of_loss(catalogue, strength), 0, true)


def columns(catalogue: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    """(N, len(names)) of a catalogue."""
    return np.stack([catalogue[name] for name in names], axis=1)
