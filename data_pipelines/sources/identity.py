"""Which star and band a file is of, where its table does not say: its header, the names of the files beside it, its own name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipelines.kinds.light_curves.id_columns import FILE_NAME
from lcjax.errors import DataError
from lcjax.files import printable

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
    name = printable(path.name)
    for ending in (".gz", ".bz2", ".fz"):
        name = name.removesuffix(ending)
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


@dataclass(frozen=True)
class FileNames:
    """What the names of files say that are read together."""

    bands: Mapping[Path, tuple[str, str]]
    """File -> star and band, where files or folders side by side differ only in their band."""
    alike: Mapping[Path, Path]
    """File -> one in another folder of the same name, which may be another star's."""
    whole: bool = False
    """Whether the user says that every file is one star, so that files of one name are parts of one."""

    def star(self, path: Path, header: Mapping[str, Any]) -> str:
        """The star that a whole file is of: what the header says, else its name.

        Raises:
          DataError: a file of the same name lies elsewhere.
        """
        if said := _said(header, _ID_KEYS):
            return said
        if path in self.alike and not self.whole:
            raise DataError(
                f"'{path}' and '{self.alike[path]}' have one name, and nothing else says which star they are of: rename them, or say "
                f"--columns.object-id {FILE_NAME} where files of one name are parts of one star"
            )
        return self.bands[path][0] if path in self.bands else bare_name(path)

    def band(self, path: Path, header: Mapping[str, Any]) -> str:
        """The band that a whole file is of; empty where nothing says."""
        return _said(header, _BAND_KEYS) or (self.bands[path][1] if path in self.bands else "")


def file_names(paths: Iterable[Path], whole: bool = False) -> FileNames:
    """What the names of these files say: `s1_g.csv` beside `s1_r.csv`, `I/s1.dat` beside `V/s1.dat`.

    >>> names = file_names([Path("s1_g.csv"), Path("s1_r.csv"), Path("s2_B.csv"), Path("I/s3.dat"), Path("V/s3.dat")])
    >>> [names.bands.get(Path(name)) for name in ("s1_r.csv", "s2_B.csv", "V/s3.dat")]
    [('s1', 'r'), None, ('s3', 'V')]
    """
    beside: dict[tuple[Path, str, str], list[tuple[Path, str]]] = defaultdict(list)
    folders: dict[tuple[Path, str], list[tuple[Path, str]]] = defaultdict(list)
    same: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        name = bare_name(path)
        same[name].append(path)
        folders[path.parent.parent, path.name].append((path, path.parent.name))
        if match := _ENDING.match(name):
            beside[path.parent, match["star"], path.name[len(name) :]].append((path, match["band"]))
    bands: dict[Path, tuple[str, str]] = {}
    groups = [(bare_name(Path(name)), found) for (_, name), found in folders.items()]
    groups += [(star, found) for (_, star, _), found in beside.items()]
    for star, found in groups:
        names = {band for _, band in found}
        if len(names) > 1 and names <= _BANDS:  # one that is no band, and they are parts by letter, or components
            bands |= {path: (star, band) for path, band in found}
    alike = {}
    for of_one_name in same.values():
        for path in of_one_name:
            others = [
                o
                for o in of_one_name
                if o.parent != path.parent and bands.get(o, ("", ""))[1] == bands.get(path, ("", ""))[1]
            ]
            if others:
                alike[path] = others[0]
    return FileNames(bands, alike, whole)


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
