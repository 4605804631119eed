"""Which column is which: the one that is named, or the only one that has a usual name."""

from collections.abc import Sequence

from lcjax.errors import ConfigError, DataError

NAMES = (
    "object_id",
    "objectid",
    "oid",
    "id",
    "ids",
    "image_id",
    "candid",
    "name",
    "image",
    "filename",
    "file",
    "dr7objid",
    "iauname",
)
LABELS = ("label", "labels", "class", "classes", "target", "targets", "y")
PIXELS = ("image", "images", "stamp", "stamps", "cutout", "cutouts", "pixels", "x")


def choose(said: str | None, usual: Sequence[str], columns: Sequence[str], where: str, option: str) -> str | None:
    """The column, None where there is none of a usual name.

    Args:
      said: its name, which must be there. usual: names in lower case. columns: those there are. option: to name in messages.

    Raises:
      DataError: it is not there. ConfigError: several have usual names.

    >>> choose(None, LABELS, ["Class", "flux"], "f", "label")
    'Class'
    """
    if said is not None:
        if said not in columns:
            raise DataError(f"{where} has no '{said}': it has {', '.join(columns) or 'no such column'}")
        return said
    found = [name for name in columns if name.lower() in usual]
    if len(found) > 1:
        raise ConfigError(f"{where} has {' and '.join(found)}, each of which may be it: say --images.{option}")
    return found[0] if found else None
