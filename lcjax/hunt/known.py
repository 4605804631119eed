"""Whether a candidate is known already: in catalogues that lie on this machine, or under another name in the list itself."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, delete, insert, select, update

from lcjax.errors import DataError
from lcjax.hunt import tables as t
from lcjax.hunt.facts import separation

_RA = ("ra", "ra_deg", "radeg")
_DEC = ("dec", "declination", "decl", "dec_deg", "dedeg")
_NAME = ("name", "objname", "object_id", "id", "main_id", "source_id")
_TYPE = ("type", "object_type", "class", "label", "otype")
_REDSHIFT = ("redshift", "z")
_DUPLICATE_ARCSEC = 1.5
_SOME = 2000
_LOOKED_UP = "looked up in"
"""Mark of the catalogues that candidates were looked up in."""


@dataclass(frozen=True)
class Match:
    """An entry of a catalogue near a candidate."""

    name: str
    """With type and redshift where the catalogue has them."""
    separation: float
    """Arcsec."""


class KnownObjects:
    """Entries of catalogues, sorted by declination, so that a match looks only at a narrow strip."""

    def __init__(self, paths: Sequence[Path], arcsec: float = 3.0) -> None:
        """Reads CSV tables: TNS's public list as it is downloaded, or any with ra, dec (degrees, ICRS) and a name.

        Raises:
          DataError: a table cannot be read, lacks a column, or has a position that is no number.
        """
        self.arcsec = arcsec
        about = [(path.absolute(), path.stat().st_size, path.stat().st_mtime_ns) for path in paths if path.exists()]
        self.fingerprint = f"{arcsec} {sorted(map(str, about))}"
        """Of the catalogues and the radius."""
        rows = [row for path in paths for row in _read(path)]
        rows.sort(key=lambda row: row[1])
        self._ra, self._dec = (np.array([row[i] for row in rows], float) for i in (0, 1))
        self._names = [row[2] for row in rows]

    def __len__(self) -> int:
        return len(self._names)

    def nearest(self, ra: float, dec: float) -> Match | None:
        """The nearest entry within the radius."""
        reach = self.arcsec / 3600
        low, high = np.searchsorted(self._dec, (dec - reach, dec + reach))
        if low == high:
            return None
        away = separation(ra, dec, self._ra[low:high], self._dec[low:high])
        best = int(np.argmin(away))
        return Match(self._names[low + best], float(away[best])) if away[best] <= self.arcsec else None


def _read(path: Path) -> list[tuple[float, float, str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = file.readlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"catalogue '{path}' cannot be read ({error}): give a CSV file with a header") from error
    skip = 1 if lines and lines[0].count(",") == 0 and len(lines) > 1 else 0  # TNS puts a date above the header
    reader = csv.DictReader(lines[skip:])
    have = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    find = lambda names: next((have[name] for name in names if name in have), None)
    ra, dec, name, kind, redshift = map(find, (_RA, _DEC, _NAME, _TYPE, _REDSHIFT))
    for column, wanted in ((ra, "ra"), (dec, "dec"), (name, "name")):
        if column is None:
            raise DataError(
                f"catalogue '{path}' has no column '{wanted}' (it has {', '.join(have) or 'none'}): rename one"
            )
    found = []
    for line, row in enumerate(reader, skip + 2):
        try:
            place = float(row[ra]), float(row[dec])
        except (TypeError, ValueError):
            raise DataError(
                f"catalogue '{path}' has no position in degrees in line {line} "
                f"({row[ra]!r:.30}, {row[dec]!r:.30}): correct or drop the row"
            ) from None
        if not (-360 <= place[0] <= 360 and -90 <= place[1] <= 90):
            raise DataError(f"catalogue '{path}' has ra {place[0]:g} and dec {place[1]:g} in line {line}, no degrees")
        prefix = f"{row.get(have.get('name_prefix', ''), '') or ''} ".lstrip()
        more = [row[c].strip() for c in (kind,) if c and row[c] and row[c].strip()]
        more += [f"z={row[redshift].strip()}"] if redshift and row[redshift] and row[redshift].strip() else []
        label = f"{prefix}{(row[name] or '').strip()}"[:100]
        found.append((*place, f"{label} ({', '.join(more)[:100]})" if more else label))
    return found


def cross_match(connection: Connection, known: KnownObjects | None) -> None:
    """Looks up candidates that were not looked up yet, and those that are another one's double."""
    c = t.Candidate
    query = select(c.id, c.object_id, c.ra, c.dec).where(c.checked.is_(False)).limit(_SOME)
    while rows := connection.execute(query).all():
        for row in rows:
            match = known.nearest(row.ra, row.dec) if known else None
            found = {"known": match.name, "known_separation": match.separation} if match else {}
            values = {"checked": True, "duplicate_of": _double(connection, row), **found}
            connection.execute(update(c).where(c.id == row.id).values(**values))


def _double(connection: Connection, row: object) -> str:
    """Name of the first other candidate at the same place."""
    c, reach = t.Candidate, _DUPLICATE_ARCSEC / 3600
    near = select(c.object_id, c.ra, c.dec).where(
        c.dec.between(row.dec - reach, row.dec + reach),  # type: ignore[attr-defined]
        c.id < row.id,  # type: ignore[attr-defined]
    )
    for other in connection.execute(near.order_by(c.id)):
        if separation(row.ra, row.dec, other.ra, other.dec) <= _DUPLICATE_ARCSEC:  # type: ignore[attr-defined]
            return other.object_id
    return ""


def recheck_if_changed(connection: Connection, known: KnownObjects | None) -> None:
    """Has everything looked up again where the catalogues, or the radius, are others than before."""
    said = known.fingerprint if known else ""
    if (connection.execute(select(t.Mark.value).where(t.Mark.name == _LOOKED_UP)).scalar() or "") == said:
        return
    connection.execute(update(t.Candidate).values(checked=False, known="", known_separation=None))
    connection.execute(delete(t.Mark).where(t.Mark.name == _LOOKED_UP))
    connection.execute(insert(t.Mark).values(name=_LOOKED_UP, value=said))
    cross_match(connection, known)
