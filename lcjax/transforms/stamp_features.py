"""Alert metadata before a network: derived features, clipping, missing values, standardisation (AJ 162, 231).

Columns are those of the ZTF candidate record, by name: degrees, magnitudes, arcseconds and pixels as in the alert,
NaN for a null, `isdiffpos` 1 for a negative difference and 0 for a positive one. Derived here: `non_detections`
(ncovhist - ndethist) and ecliptic and galactic coordinates (degrees, J2000) from `ra` and `dec`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.typing import Array

Missing = Literal["survey", "mean", "nan"]

_PER_STAR = tuple(f"{name}{i}" for name in ("sgscore", "distpsnr") for i in (1, 2, 3))
CLIPS: dict[str, tuple[float, float]] = {
    **dict.fromkeys((*_PER_STAR, "distnr", "magnr"), (-1.0, np.inf)),
    "fwhm": (-np.inf, 10.0),
    "ndethist": (-np.inf, 20.0),
    "ncovhist": (-np.inf, 3000.0),
    "non_detections": (-np.inf, 2000.0),
    "chinr": (-1.0, 15.0),
    "sharpnr": (-1.0, 1.5),
}
"""Feature -> (lowest, highest) value the network sees; features that are not here pass as they are."""

SURVEY_MISSING = -999.0
"""What ZTF writes for a value it does not have; the clips turn it into -1."""

_OBLIQUITY = np.deg2rad(84381.448 / 3600)
"""Of the ecliptic at J2000, radians."""
_ECLIPTIC = np.array(
    [
        [1.0, 0.0, 0.0],
        [0.0, np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)],
        [0.0, -np.sin(_OBLIQUITY), np.cos(_OBLIQUITY)],
    ]
)
_GALACTIC = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [0.4941094278755837, -0.4448296299600112, 0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, 0.4559837761750669],
    ]
)
"""Equatorial to galactic, J2000 (the Hipparcos catalogue's matrix)."""


def _rotated(ra: Array, dec: Array, matrix: np.ndarray) -> tuple[Array, Array]:
    ra, dec = jnp.deg2rad(ra), jnp.deg2rad(dec)
    unit = jnp.stack([jnp.cos(ra) * jnp.cos(dec), jnp.sin(ra) * jnp.cos(dec), jnp.sin(dec)])
    # Elementwise, not a matrix product: accelerators multiply matrices with fewer digits.
    x, y, z = (sum(float(row[k]) * unit[k] for k in range(3)) for row in matrix)
    longitude = jnp.rad2deg(jnp.arctan2(y, x)) % 360.0
    return longitude, jnp.rad2deg(jnp.arctan2(z, jnp.hypot(x, y)))


def ecliptic(ra: Array, dec: Array) -> tuple[Array, Array]:
    """Longitude in [0, 360) and latitude, degrees, mean ecliptic of J2000, from right ascension and declination.

    >>> longitude, latitude = ecliptic(90.0, 0.0)
    >>> round(float(longitude), 3), round(float(latitude), 3)
    (90.0, -23.439)
    """
    return _rotated(ra, dec, _ECLIPTIC)


def galactic(ra: Array, dec: Array) -> tuple[Array, Array]:
    """Longitude in [0, 360) and latitude, degrees, galactic, from J2000 right ascension and declination in degrees.

    >>> round(float(galactic(266.405, -28.936)[1]), 2)  # towards the centre
    0.0
    """
    return _rotated(ra, dec, _GALACTIC)


DERIVED: dict[str, tuple[str, ...]] = {
    "non_detections": ("ncovhist", "ndethist"),
    "ecl_lat": ("ra", "dec"),
    "ecl_long": ("ra", "dec"),
    "gal_lat": ("ra", "dec"),
    "gal_long": ("ra", "dec"),
}
"""Feature -> the columns it is made from."""


def columns_of(names: Sequence[str]) -> tuple[str, ...]:
    """Columns that features are made from, each once, in the order they are first needed.

    >>> columns_of(("fwhm", "gal_lat", "ra"))
    ('fwhm', 'ra', 'dec')
    """
    return tuple(dict.fromkeys(column for name in names for column in DERIVED.get(name, (name,))))


def raw_features(columns: Mapping[str, Array], names: Sequence[str]) -> Array:
    """Features in the order of `names`, derived ones included, before clipping.

    Args:
      columns: name -> (B,) values; nulls are NaN.
      names: features wanted.

    Returns:
      (B, F) float32.

    Raises:
      DataError: a column is not there.
    """
    lacking = sorted(set(columns_of(names)) - set(columns))
    if lacking:
        raise DataError(
            f"these alerts have no '{lacking[0]}', which the network takes ({len(lacking)} columns lacking): choose "
            "other --inputs.features or alerts that have it"
        )
    made = {name: columns[name] for name in names if name not in DERIVED}
    if "non_detections" in names:
        made["non_detections"] = columns["ncovhist"] - columns["ndethist"]
    for prefix, turn in (("ecl", ecliptic), ("gal", galactic)):
        if any(name.startswith(f"{prefix}_") for name in names):
            made[f"{prefix}_long"], made[f"{prefix}_lat"] = turn(columns["ra"], columns["dec"])
    if not names:
        return jnp.zeros((len(next(iter(columns.values()))) if columns else 0, 0), jnp.float32)
    return jnp.stack([jnp.asarray(made[name], jnp.float32) for name in names], axis=-1)


def clip_features(raw: Array, names: Sequence[str]) -> Array:
    """Brings every feature into its range of `CLIPS`; NaN stays NaN."""
    chex.assert_axis_dimension(raw, -1, len(names))
    low, high = (np.array([CLIPS.get(n, (-np.inf, np.inf))[i] for n in names], np.float32) for i in (0, 1))
    return jnp.clip(raw, low, high)


def network_features(
    raw: Array, names: Sequence[str], mean: Sequence[float], std: Sequence[float], missing: Missing = "survey"
) -> Array:
    """Raw features -> clipped, standardised (B, F) float32.

    Args:
      raw: (B, F), NaN for a null.
      names: of the F features.
      mean: of the training set, F values.
      std: likewise, not zero.
      missing: what stands for a null. `survey`: what ZTF's own -999 becomes (-1, where the clips reach it), the mean
        of the training set for features without such a mark. `mean`: the mean for nulls and for -999 alike. `nan`:
        nothing, a null spoils its alert, as in the reference.
    """
    raw = jnp.asarray(raw, jnp.float32)
    chex.assert_axis_dimension(raw, -1, len(names))
    if missing == "survey":
        marked = np.array([CLIPS.get(n, (-np.inf, 0))[0] == -1.0 for n in names], bool)
        raw = jnp.where(jnp.isnan(raw) & marked, SURVEY_MISSING, raw)
    elif missing == "mean":
        raw = jnp.where(raw == SURVEY_MISSING, jnp.nan, raw)
    scaled = (clip_features(raw, names) - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return scaled if missing == "nan" else jnp.where(jnp.isnan(scaled), 0.0, scaled)
