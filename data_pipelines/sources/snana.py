"""Light curves of SNANA: its text files (one supernova a file, `OBS:` rows) and its FITS pairs (`_HEAD`, `_PHOT`).

Format: the SNANA manual (Kessler et al. 2009, PASP 121, 1028), "Photometry format". FLUXCAL is of a zero point of 27.5, relative to the
template. Both become tables of points with a column SNID, and are read from there on as any table.
"""

import itertools
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_pipelines.sources.alerts.unpacking import UnpackError, open_unpacked, read_all
from data_pipelines.sources.whole_fits import FitsSource, check_sums
from lcjax.errors import DataError, MissingExtraError

TEXT = (".dat", ".txt", ".dat.gz", ".txt.gz")
_LOOKED_AT = 65_536
_MOST_BYTES = 256 << 20
_LIST = re.compile(rb"^\s*VARLIST\s*:", re.MULTILINE)
_ROW = "OBS:"
_BEGIN = ("SNID:", "VARLIST:", "RA:", "DEC:", "DECL:", "NOBS:")
"""What a file says of its one supernova, once, and before its rows."""
_SEPARATOR = -777.0
"""Time of the rows between two supernovae of a `_PHOT` file."""
_PHOT = re.compile(r"_phot(?=\.fits?(\.(gz|fz))?$)", re.IGNORECASE)
_HEAD = re.compile(r"_head(?=\.fits?(\.(gz|fz))?$)", re.IGNORECASE)
_ID, _TYPES = "SNID", ("SIM_TYPE_NAME", "SNTYPE", "TYPE")
_PLACES = {"ra": ("RA",), "dec": ("DEC", "DECL")}
_FEW_TYPES = ("", "-9", "0", "-1")
"""SNTYPE of supernovae whose type is not known."""


def is_snana_text(path: Path) -> bool:
    """Whether a text file has the list of variables that SNANA's have."""
    if not path.name.lower().endswith(TEXT):
        return False
    try:
        with open(path, "rb") as file:
            return _LIST.search(open_unpacked(file).read(_LOOKED_AT)) is not None
    except (OSError, UnpackError):
        return False


def is_head(path: Path) -> bool:
    """Whether a file is the `_HEAD` of a pair whose `_PHOT` lies beside it: it has no points of its own."""
    return _HEAD.search(path.name) is not None and _other(path, _HEAD, "PHOT") is not None


def is_phot(path: Path) -> bool:
    """Whether a file is called as the `_PHOT` of a pair."""
    return _PHOT.search(path.name) is not None


def read_snana_text(path: Path) -> pa.Table:
    """The points of a text file, a column a variable, and SNID, RA, DECL of its header.

    Raises:
      DataError: it cannot be read, a row is not as long as the list of variables, rows are missing (NOBS), or it holds several
        supernovae or says one thing twice in two ways.
    """
    try:
        with open(path, "rb") as file:
            text = read_all(open_unpacked(file), _MOST_BYTES).decode("utf-8", "replace")
    except (OSError, UnpackError) as error:
        raise DataError(f"'{path}' cannot be read: {error}") from error
    header: dict[str, str] = {}
    rows: list[list[str]] = []
    ended = False
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words[0] == _ROW and not ended:
            rows.append(words[1:])
            wanted = len(header.get("VARLIST", "").split())
            if len(words) - 1 != wanted:
                raise DataError(
                    f"'{path}' has {len(words) - 1} values in line {number} where its VARLIST names {wanted}: the file is damaged"
                )
        elif words[0] == "END:":
            ended = True
        elif words[0] == _ROW or (rows and words[0] in _BEGIN):
            raise DataError(
                f"'{path}' goes on with '{words[0]}' in line {number}: give every supernova a file of its own"
            )
        elif words[0].endswith(":") and not rows:
            said = " ".join(words[1:])
            if words[0] in _BEGIN and header.get(words[0][:-1], said) != said:
                raise DataError(f"'{path}' says {words[0]} twice, in two ways (line {number}): keep the right one")
            header.setdefault(words[0][:-1], said)
    names = header.get("VARLIST", "").split()
    if len(set(names)) < len(names):
        raise DataError(f"'{path}' has a variable twice in its VARLIST: rename it, or drop its values")
    promised = header.get("NOBS", "").split()[:1]
    if promised and promised[0].isdigit() and int(promised[0]) != len(rows):
        raise DataError(f"'{path}' promises {int(promised[0])} observations (NOBS) and has {len(rows)}: it is cut off")
    columns: dict[str, Any] = {name: _values([row[i] for row in rows]) for i, name in enumerate(names)}
    columns |= _of_star(header, len(rows), path)
    return pa.table(columns)


def _of_star(header: dict[str, str], count: int, path: Path) -> dict[str, Any]:
    """What is of the whole file, once a point."""
    if not header.get(_ID):
        raise DataError(f"'{path}' has no SNID in its header: add one")
    found: dict[str, Any] = {_ID: [header[_ID].split()[0]] * count}
    for name, keys in _PLACES.items():
        value = next((header[key].split()[0] for key in keys if header.get(key)), None)
        if value is not None:
            found[name] = _values([value] * count)
    kind = next((header[key].strip() for key in _TYPES if header.get(key)), "")
    if kind not in _FEW_TYPES:
        found["class"] = [kind] * count
    return found


def _values(words: list[str]) -> list[Any]:
    """Numbers where all are; words otherwise."""
    try:
        return [float(word) for word in words]
    except ValueError:
        return words


def snana_fits_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The points of a `_PHOT` file, supernova by supernova, with SNID and place of its `_HEAD` file; some supernovae at a time.

    Raises:
      DataError: the `_HEAD` file is not there, or does not fit. MissingExtraError: astropy is not there.
    """
    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtraError("astropy", "data", f"reading '{path.name}'") from None
    head = _other(path, _PHOT, "HEAD")
    if head is None:
        raise DataError(
            f"'{path}' has the points of many supernovae and lies without its _HEAD file, which says whose they are: put it beside"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sources = {file: FitsSource(file) for file in (head, path)}
        for file, source in sources.items():
            with fits.open(source.opened()) as units:
                try:
                    check_sums(units)
                except DataError as error:
                    raise DataError(f"'{file}': {error}") from error
                if file == head:
                    stars = _head_rows(units[1].data, head)
        with fits.open(sources[path].opened(), memmap=True) as units:
            points = units[1].data
            if "MJD" not in (points.dtype.names or ()):
                raise DataError(f"'{path}' has no column MJD, as a _PHOT file of SNANA has: is it another table?")
            used = 0
            for first in range(0, len(stars), _TOGETHER):
                some = stars[first : first + _TOGETHER]
                used += sum(end - begin for _, begin, end in some)
                yield _batch(points, some, path)
            measured = int(np.count_nonzero(points["MJD"] != _SEPARATOR))
            if used != measured:
                raise DataError(
                    f"'{path}' has {measured:,} points, and its _HEAD file speaks of {used:,}: restore the pair"
                )


_TOGETHER = 500
"""Supernovae in a batch."""


def _head_rows(rows: Any, head: Path) -> list[tuple[dict[str, Any], int, int]]:
    """What is of each supernova, and the rows of its points."""
    names = set(rows.dtype.names or ())
    if not {_ID, "PTROBS_MIN", "PTROBS_MAX"} <= names:
        raise DataError(f"'{head}' has no columns SNID, PTROBS_MIN and PTROBS_MAX, as a _HEAD file of SNANA has")
    kind = next((name for name in _TYPES if name in names), None)
    places = {name: next((k for k in keys if k in names), None) for name, keys in _PLACES.items()}
    found = []
    for row in rows:
        star = {_ID: str(row[_ID]).strip()} | {name: float(row[key]) for name, key in places.items() if key}
        if kind is not None:
            label = str(row[kind]).strip()
            star["class"] = None if label in _FEW_TYPES else label
        begin, end = int(row["PTROBS_MIN"]) - 1, int(row["PTROBS_MAX"])
        if "NOBS" in names and int(row["NOBS"]) != end - begin:
            raise DataError(
                f"'{head}' gives {star[_ID]} {int(row['NOBS']):,} points (NOBS) and the rows of {end - begin:,}: restore the pair"
            )
        found.append((star, begin, end))
    _check_apart(found, head)
    return found


def _check_apart(stars: list[tuple[dict[str, Any], int, int]], head: Path) -> None:
    """Raises DataError where a supernova is there twice, or two have points in common."""
    names = [star[_ID] for star, _, _ in stars]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"'{head}' has the supernova '{twice}' twice: their points would become one light curve")
    spans = sorted((begin, end, star[_ID]) for star, begin, end in stars if end > begin)
    for (_, end, one), (begin, _, other) in itertools.pairwise(spans):
        if begin < end:
            raise DataError(f"'{head}' gives some points to both '{one}' and '{other}': restore the pair")


def _batch(points: Any, some: list[tuple[dict[str, Any], int, int]], path: Path) -> pa.RecordBatch:
    spans = [(begin, end) for _, begin, end in some]
    if any(not 0 <= begin <= end <= len(points) for begin, end in spans):
        raise DataError(f"'{path}' is shorter than its _HEAD file says: restore the pair")
    rows = np.concatenate([np.arange(*span) for span in spans])
    part = points[rows]
    if (part["MJD"] == _SEPARATOR).any():
        raise DataError(
            f"the rows that the _HEAD file gives of '{path}' run over the end of a supernova: restore the pair"
        )
    columns: dict[str, Any] = {}
    for name in part.dtype.names:
        values = np.asarray(part[name])
        if values.ndim == 1:
            text = values.dtype.kind in "SU"
            columns[name] = (
                np.char.strip(values.astype(str)).tolist() if text else values.astype(values.dtype.newbyteorder("="))
            )
    for name in some[0][0]:
        columns[name] = [star[name] for star, begin, end in some for _ in range(end - begin)]
    return pa.RecordBatch.from_pydict(columns)


def _other(path: Path, mark: re.Pattern[str], word: str) -> Path | None:
    """The other file of a pair, in the case of this one's letters."""
    match = mark.search(path.name)
    if match is None:
        return None
    word = word.lower() if match[0].islower() else word
    name = f"{path.name[: match.start()]}_{word}{path.name[match.end() :]}"
    bare = re.sub(r"\.(gz|fz)$", "", name, flags=re.IGNORECASE)
    return next((other for n in (name, bare, f"{bare}.gz") if (other := path.with_name(n)).is_file()), None)
