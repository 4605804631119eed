"""Which columns hold the brightness of a table, a magnitude or a flux, and what goes with it: error, zero point, sign."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.kinds.light_curves.columns import ColumnNames

MAGNITUDES = (
    "magnitude", "mag", "magpsf_corr", "mag_tot", "magpsf", "psfmag", "magnitudes", "mags", "mag_psf", "mag_auto", "vmag_point",
    "m", "g_transit_mag",
)  # fmt: skip
MAGNITUDE_ERRORS = (
    "magnitude_error", "magerr", "mag_err", "err", "error", "e_mag", "sigmapsf", "emag", "errmag", "psfmagerr", "magnitudeerr",
    "sigma", "mag_error", "merr", "sigma_mag", "magnitude_err", "dmag", "errors", "magerrs", "e_magnitude", "unc",
)  # fmt: skip
FLUXES = (
    "flux", "fluxcal", "psfflux", "scienceflux", "pdcsap_flux", "sap_flux", "forcediffimflux", "g_transit_flux", "psfdiffflux",
    "ujy",
)  # fmt: skip
FLUX_ERRORS = ("flux_error", "flux_err", "fluxerr", "e_flux", "err", "error", "sigma", "unc", "errors")
_TWO_MEANINGS = (("psfflux", "scienceflux"), ("psfflux", "psfdiffflux"), ("scienceflux", "psfdiffflux"))
"""Rubin: of the difference, of the image itself, or either, by table."""
UNSIGNED = ("magpsf", "magap", "magapbig")
"""ZTF alerts: magnitudes of the absolute value of a difference, whose sign is in `isdiffpos`."""
SIGN = "isdiffpos"
_ASINH = ("asinh", "lupt")
"""In names of magnitudes that are inverse hyperbolic sines (Lupton, Gunn & Szalay 1999)."""
_OF_STARS = ("magpsf_corr", "mag_corr", "mag_tot")
"""Beside a sign, magnitudes of the star itself: ALeRCE's."""
LIMITS = ("diffmaglim", "maglim", "limmag", "lim_mag", "limiting_mag")
"""Columns of upper limits, where there is no magnitude."""
_OF_DIFFERENCES = "diffmaglim"
_PARTS = re.compile(r"(?<!\d)[.:]|[.:](?!\d)")
"""Between the parts of a name (`lc.mag`, `i:magpsf`), and not inside a number (HJD-2400000.5)."""
ZERO_POINTS = ("zpdiff", "zero_point", "zeropoint", "zp", "magzpt")
"""Columns of the zero point of each point's flux."""
RELATIVE_ERRORS = ("flux_over_error", "g_transit_flux_over_error")
"""Gaia: signal to noise, where magnitudes have no errors."""


_FLUX_FIRST = (("ujy", "m"), ("fluxcal", "mag"))
"""Of differences, whose negative ones have no magnitude: ATLAS writes it as a negative one, SNANA leaves it out or fills it in."""


@dataclass
class BrightnessColumns:
    """What was found: field -> column, and what to say of the rest."""

    columns: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    advice: str = ""


def find(names: Sequence[str], given: "ColumnNames", where: str, taken: tuple[str, ...]) -> BrightnessColumns:
    """The columns of the brightness of one table: a magnitude where there is one with an error, else a flux.

    Args:
      names: of all columns. given: by the user. where: the file. taken: columns that are something else.

    Raises:
      ConfigError: they can mean two things.
    """
    found = BrightnessColumns()
    if (given.magnitude or given.magnitude_error) and (given.flux or given.flux_error):
        raise ConfigError("--columns.magnitude and --columns.flux exclude each other: name the column of one of them")
    for name in ("magnitude", "magnitude_error", "flux", "flux_error"):
        wanted = getattr(given, name)
        if wanted is None:
            continue
        if (match := named(wanted, names)) is None:
            found.missing.append(f"'{wanted}' for the {name.replace('_', ' ')}")
            found.options.append(name)
        else:
            found.columns[name] = match
    by_flux = _pair("flux", FLUXES, FLUX_ERRORS, names, given, taken)
    by_magnitude = _pair("magnitude", MAGNITUDES, MAGNITUDE_ERRORS, names, given, taken)
    if not by_flux and not by_magnitude and (limits := _only_limits(names, given, taken)):
        return BrightnessColumns(limits)
    if found.missing:
        return found
    _check_magnitude(found.columns.get("magnitude"), given, where)
    complete = lambda pair: any(name.endswith("_error") or name == "signal_to_noise" for name in pair)
    if given.flux or given.flux_error:
        chosen = by_flux
    elif given.magnitude or given.magnitude_error or complete(by_magnitude) or not complete(by_flux):
        chosen = by_magnitude if by_magnitude or not by_flux else by_flux
    else:
        chosen = by_flux
    first_flux = (short(by_flux.get("flux", "")), short(by_magnitude.get("magnitude", ""))) in _FLUX_FIRST
    if first_flux and not (given.magnitude or given.magnitude_error):
        chosen = by_flux
    if chosen is by_flux and not given.flux and by_flux:
        _check_one_flux(names, where)
    wanted = "flux" if chosen is by_flux and by_flux else "magnitude"
    if wanted not in chosen:
        found.missing.append(f"for the {wanted}" + (" or flux" if wanted == "magnitude" else ""))
        found.options.append(wanted)
        found.advice = " (a flux with --columns.flux)" if wanted == "magnitude" else ""
    has_error = "signal_to_noise" in chosen or given.constant_error is not None
    if wanted not in chosen:  # an error without what it is of
        has_error |= first((*MAGNITUDE_ERRORS, *FLUX_ERRORS), names, taken) is not None
    if f"{wanted}_error" not in chosen and not has_error:
        found.missing.append(f"for the {wanted} error")
        found.options.append(f"{wanted}_error")
        found.advice += "; without one, --columns.constant-error gives every point the same (mag)"
    found.columns = chosen
    _check_sign(chosen, names, given, where)
    return found


def _pair(
    kind: str,
    candidates: tuple[str, ...],
    errors: tuple[str, ...],
    names: Sequence[str],
    given: "ColumnNames",
    taken: tuple[str, ...],
) -> dict[str, str]:
    """A column and its error, by the user's names, then by common ones; the column's own error before any other."""
    out: dict[str, str] = {}
    if kind == "magnitude" and given.difference:
        candidates = tuple(name for name in candidates if not is_of_star(name))
    elif kind == "magnitude" and first((SIGN,), names):
        candidates = (*_OF_STARS, *candidates)
    value = named(getattr(given, kind) or "", names) or first(candidates, names, taken)
    if value is None:
        return out
    out[kind] = value
    error = named(getattr(given, f"{kind}_error") or "", names)
    error = error or first((*_own_errors(short(value)), *errors), names, (*taken, value))
    if error is not None:
        out[f"{kind}_error"] = error
    elif ratio := first(RELATIVE_ERRORS, names, taken):
        out["signal_to_noise"] = ratio
    said = given.zero_point is not None or given.unit != "auto" or is_pan_starrs(value, names)
    if kind == "flux" and not said and (zero := first(ZERO_POINTS, names, taken)):
        out["zero_point"] = zero
    if kind == "magnitude" and is_unsigned(value, names) and (sign := first((SIGN,), names)):
        out["sign"] = sign
    if kind == "magnitude" and (limit := first(LIMITS, names, taken)):
        out["limit"] = limit
    return out


def _only_limits(names: Sequence[str], given: "ColumnNames", taken: tuple[str, ...]) -> dict[str, str]:
    """The column of ZTF's tables of non-detections, which have limits and nothing else: of differences, as the user must say.

    Other limits without a magnitude are none: the magnitude may be there under an unknown name.
    """
    limit = first((_OF_DIFFERENCES,), names, taken)
    return {"limit": limit} if limit is not None and given.difference else {}


def _own_errors(name: str) -> Iterable[str]:
    yield from (f"{name}{end}" for end in ("_error", "_err", "error", "err", "_unc", "unc", "_sigma"))
    yield from (f"{start}{name}" for start in ("e_", "sigma_", "err_", "sigma"))
    if name in ("m", "ujy"):
        yield f"d{name}"
    if name.startswith("mag"):
        # Of corrected ZTF magnitudes first the error that does not take the reference for a point: the other is 100 at most points.
        yield f"sigma{name[3:]}_ext"
        yield from (f"sigma{name[3:]}", f"magerr{name[3:]}", f"e{name}")


def _check_magnitude(name: str | None, given: "ColumnNames", where: str) -> None:
    if name is None:
        return
    if short(name) in FLUXES:
        raise ConfigError(f"column '{name}' of '{where}' is a flux: name it with --columns.flux")
    if given.difference and is_of_star(name):
        raise ConfigError(
            f"column '{name}' of '{where}' is the magnitude of the star itself, no difference: leave --columns.difference out"
        )
    if any(word in short(name) for word in _ASINH):
        raise ConfigError(
            f"column '{name}' of '{where}' holds asinh magnitudes, which are no logarithms of a flux: give the flux with --columns.flux"
        )


def _check_one_flux(names: Sequence[str], where: str) -> None:
    for pair in _TWO_MEANINGS:
        both = [first((name,), names) for name in pair]
        if all(both):
            raise ConfigError(
                f"'{where}' has two fluxes, '{both[0]}' and '{both[1]}', of an image and of a difference of images: choose with "
                f"--columns.flux {both[0]} or --columns.flux {both[1]}"
            )


def _check_sign(chosen: dict[str, str], names: Sequence[str], given: "ColumnNames", where: str) -> None:
    """Magnitudes of unsigned differences are no brightness: a star that fades looks as if it brightened."""
    name = chosen.get("magnitude")
    if name is None or not is_unsigned(name, names) or given.difference:
        return
    total = first(_OF_STARS, names)
    better = f"--columns.magnitude {total} for the star itself, or " if total else ""
    raise ConfigError(
        f"column '{name}' of '{where}' is the magnitude of a difference without its sign ({SIGN}): say {better}"
        "--columns.difference to take it as a difference: datasets keep negative ones as fluxes, magnitudes are of the positive ones"
    )


def is_unsigned(name: str, names: Sequence[str]) -> bool:
    """Whether a magnitude is that of a difference whose sign is elsewhere.

    >>> is_unsigned("magpsf", []), is_unsigned("mag", ["isdiffpos"]), is_unsigned("mag_corr", ["isdiffpos"])
    (True, True, False)
    """
    if short(name) in UNSIGNED:
        return True
    return first((SIGN,), names) is not None and not is_of_star(name)


def is_pan_starrs(flux: str, names: Sequence[str]) -> bool:
    """Whether a flux is of Pan-STARRS's table of detections: it is called as Rubin's, and is in Jy, whatever the `zp` beside it.

    >>> is_pan_starrs("psfFlux", ["objID", "obsTime", "filterID", "zp"]), is_pan_starrs("psfFlux", ["midpointMjdTai"])
    (True, False)
    """
    return short(flux) == "psfflux" and first(("obstime",), names) is not None


def is_of_star(name: str) -> bool:
    """Whether a magnitude is that of the star itself, where limits and signs are of differences.

    >>> is_of_star("magpsf_corr"), is_of_star("mag")
    (True, False)
    """
    return short(name) in _OF_STARS or short(name).endswith("_corr")


def short(name: str) -> str:
    """Last part of the name of a nested column, or of one with a prefix, in lower case.

    >>> short("lightcurve.magPSF"), short("i:magpsf"), short("HJD-2400000.5")
    ('magpsf', 'magpsf', 'hjd-2400000.5')
    """
    return _last(name).lower()


def _last(name: str) -> str:
    return _PARTS.split(name)[-1]


def named(wanted: str, names: Sequence[str]) -> str | None:
    """The column of that name, or whose last part it is; in the case given."""
    whole = next((name for name in names if name == wanted), None)
    return whole or next((name for name in names if _last(name) == wanted), None)


def first(candidates: Iterable[str], names: Sequence[str], taken: tuple[str, ...] = ()) -> str | None:
    """The first of these (lower-case) names that there is, in any case, and that is not taken."""
    lower: dict[str, str] = {}
    for name in names:
        lower.setdefault(name.lower(), name)
        lower.setdefault(short(name), name)
    return next((lower[c] for c in candidates if c in lower and lower[c] not in taken), None)
