"""Numbers of a catalogue as AstroM3 takes them (arXiv 2411.08842): absolute magnitudes, angles as sine and cosine, log periods."""

from collections.abc import Sequence
from typing import Any

import chex

MAGNITUDES = (
    *("mean_vmag", "phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "j_mag", "h_mag", "k_mag"),
    *("w1_mag", "w2_mag", "w3_mag", "w4_mag"),
)
"""Columns that become absolute by the parallax."""


def catalogue_features(values: Any, names: Sequence[str]) -> Any:
    """The numbers before they are standardised, of the same shape and kind of array (numpy or jax).

    Magnitudes become m - 10 + 5 log10(parallax in mas), a parallax that is not positive counting as 1; l its cosine and b
    its sine (degrees); the period its log10. All else stays. NaN stays NaN; a period that is not positive becomes NaN.

    Args:
      values: (..., F). names: of the F columns.
    """
    chex.assert_axis_dimension(values, -1, len(names))
    xp = values.__array_namespace__()
    columns = [values[..., i] for i in range(len(names))]
    of = dict(zip(names, columns, strict=True))
    if "parallax" in of:
        distance = xp.where(of["parallax"] > 0, of["parallax"], xp.ones_like(of["parallax"]))
        modulus = -10 + 5 * xp.log10(xp.where(xp.isnan(of["parallax"]), of["parallax"], distance))
    changed = []
    for name, column in of.items():
        if name in MAGNITUDES and "parallax" in of:
            column = column + modulus
        elif name == "l":
            column = xp.cos(column * (xp.pi / 180))
        elif name == "b":
            column = xp.sin(column * (xp.pi / 180))
        elif name == "period":
            column = xp.log10(xp.where(column > 0, column, xp.nan))
        changed.append(column)
    return xp.stack(changed, axis=-1)
