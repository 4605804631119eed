"""Which star and band a file is of, where its table does not say: its header, the names of the files beside it, its own name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.kinds.light_curves.id_columns import FILE_NAME
from lcjax.errors import DataError

_ID_KEYS = (
    "object_id",
    "objectid",
    "objid",
    "source_id",
    "sourceid",
    "star_id",
    "starid",
    "object",
    "id",
    "target",
    "star",
    "name",
)
_BAND_KEYS = ("band", "filter", "passband", "bandpass")
_BANDS = frozenset(
    [*"ugrizyUBVRIYJHKGco", "Ks", "BP", "RP", *(f"z{b}" for b in "gri"), *(f"{b}p" for b in "ugriz"), "w1", "w2"]
)
_ENDING = re.compile(r"^(?P<star>.+)[_.\-](?P<band>[A-Za-z][A-Za-z0-9]{0,3})$")
_SUSPICIOUS = re.compile(
    r"(^|[_\W])(id|ids|name|obj|object|star|source|src|target|key|designation)($|[_\W\d])|id$|name$"
)


def bare_name(path: Path) -> str:
    """The name of a file without the endings of its format.

    >>> bare_name(Path("a/star.1.csv.gz"))
    'star.1'
    """
    name = path.name
    for ending in (".gz", ".bz2", ".fz"):
        name = name.removesuffix(ending)
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def bands_of_names(paths: Iterable[Path]) -> dict[Path, tuple[str, str]]:
    """File -> star and band, for files that lie side by side and differ only in the band that ends their names.

    >>> bands_of_names([Path("s1_g.csv"), Path("s1_r.csv"), Path("s2_B.csv")])[Path("s1_r.csv")]
    ('s1', 'r')
    """
    groups: dict[tuple[Path, str, str], list[tuple[Path, str]]] = defaultdict(list)
    for path in paths:
        match = _ENDING.match(bare_name(path))
        if match and match["band"] in _BANDS:
            groups[path.parent, match["star"], "".join(path.suffixes[-2:])[-8:]].append((path, match["band"]))
    return {
        path: (star, band)
        for (_, star, _), found in groups.items()
        if len({band for _, band in found}) > 1
        for path, band in found
    }


def star_of_file(path: Path, header: Mapping[str, Any], names: Mapping[Path, tuple[str, str]]) -> str:
    """The star that a whole file is of: what the header says, else its name."""
    return _said(header, _ID_KEYS) or (names[path][0] if path in names else bare_name(path))


def band_of_file(path: Path, header: Mapping[str, Any], names: Mapping[Path, tuple[str, str]]) -> str:
    """The band that a whole file is of; empty where nothing says."""
    return _said(header, _BAND_KEYS) or (names[path][1] if path in names else "")


def _said(header: Mapping[str, Any], keys: Sequence[str]) -> str:
    lower = {str(key).lower(): value for key, value in header.items()}
    values = (lower.get(key) for key in keys)
    return next((str(v).strip() for v in values if isinstance(v, str | int) and str(v).strip()), "")


def check_one_star(path: Path, others: Mapping[str, bool]) -> None:
    """A table without a column of ids is one star, unless one of its columns may be such a column.

    Args:
      others: columns of no known meaning -> whether they hold different texts.

    Raises:
      DataError: names the column that may be meant.
    """
    for name, texts in others.items():
        if texts or _SUSPICIOUS.search(name.lower()):
            raise DataError(
                f"'{path}' has no column for the object id, and '{name}' may be one: name it with --columns.object-id, or say "
                f"--columns.object-id {FILE_NAME} where every file is one star"
            )


_COMMENT = re.compile(r"^#+\s*(?P<key>[A-Za-z][\w ]{0,30}?)\s*[:=]\s*(?P<value>\S.{0,60})$")


def comments(lines: Iterable[str]) -> dict[str, str]:
    """`# key: value` and `# key = value` among the first lines of a text table."""
    found = {}
    for line in lines:
        if match := _COMMENT.match(line.strip()):
            found.setdefault(match["key"].strip(), match["value"].strip())
    return found
