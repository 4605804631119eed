"""Which column is which: names given by the user, else the names surveys commonly use."""

import dataclasses
from collections.abc import Iterable

from data_pipelines.kinds.light_curves import id_columns
from lcjax.errors import DataError


@dataclasses.dataclass(frozen=True)
class ColumnNames:
    """Names of the columns of a light-curve table; None: recognised by common names."""

    object_id: str | None = None
    """`filename`: every file is one star, named by its header (OBJECT, id) or itself."""
    time: str | None = None
    """MJD in days; Julian dates are recognised by their size and converted."""
    magnitude: str | None = None
    magnitude_error: str | None = None
    band: str | None = None
    """Per point or per object; optional."""
    label: str | None = None
    """Class name; optional."""


COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "object_id": (*id_columns.NAMES, *id_columns.LAST_RESORT),
    "time": (
        "mjd", "time", "hmjd", "bjd", "hjd", "jd", "midpointmjdtai", "midpointtai", "obs_time", "date", "t", "bmjd", "epoch",
        "obsmjd", "mjd_obs", "btjd", "times",
    ),
    "magnitude": (
        "magnitude", "mag", "magpsf", "psfmag", "magnitudes", "mags", "mag_psf", "mag_auto", "vmag_point", "m", "magpsf_corr",
    ),
    "magnitude_error": (
        "magnitude_error", "magerr", "mag_err", "err", "error", "e_mag", "sigmapsf", "emag", "errmag", "psfmagerr", "magnitudeerr",
        "sigma", "mag_error", "merr", "sigma_mag", "magnitude_err", "dmag", "errors", "magerrs", "e_magnitude", "unc",
    ),
    "band": ("band", "filter", "bandpass", "passband", "fid", "filtercode", "filt", "bands", "filters"),
    "label": ("label", "class", "class_name", "type", "vartype", "var_type", "target", "classification", "labels"),
}  # fmt: skip
REQUIRED = ("time", "magnitude", "magnitude_error")


def recognise(available: Iterable[str], given: ColumnNames, where: str) -> dict[str, str]:
    """Field -> column for every field found; dotted names of nested columns match by their last part.

    Raises:
      DataError: a required column is missing (the id may be: then the file is one star), a given name does not exist, or several
        columns may be the id; the sentence names the columns found.
    """
    names = list(available)
    found: dict[str, str] = {}
    for field in COMMON_NAMES:
        wanted = getattr(given, field)
        if wanted == id_columns.FILE_NAME and field == "object_id" and wanted not in names:
            continue
        if wanted is not None:
            matches = [n for n in names if n == wanted] or [n for n in names if n.rsplit(".", 1)[-1] == wanted]
            if not matches:
                raise DataError(
                    f"'{where}' has no column '{wanted}' for the {field.replace('_', ' ')}: it has {', '.join(names)}; "
                    f"name one of these with --columns.{field.replace('_', '-')}"
                )
            found[field] = matches[0]
            continue
        lower = {}
        for n in names:
            lower.setdefault(n.lower(), n)
            lower.setdefault(n.rsplit(".", 1)[-1].lower(), n)
        if field == "object_id":
            match = id_columns.id_column(names, where)
        else:
            match = next((lower[c] for c in COMMON_NAMES[field] if c in lower and lower[c] not in found.values()), None)
        if match is not None:
            found[field] = match
        elif field in REQUIRED:
            raise DataError(
                f"'{where}' has no column for the {field.replace('_', ' ')}: it has {', '.join(names) or 'no columns'}; "
                f"name it with --columns.{field.replace('_', '-')}"
            )
    return found
