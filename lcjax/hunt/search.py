"""The list of candidates: filters, order and pages, all by the database, fast for a hundred thousand.

A page goes on behind a cursor (value and number of the last row) and not at an offset, so that the thousandth page costs what
the first does. Rows without a value of the column that is sorted by come last, in either direction.
"""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from lcjax.errors import ConfigError
from lcjax.hunt import tables as t
from lcjax.hunt.sky import in_cone

RANGES = (
    *("score", "entropy", "magnitude", "mjd", "first_mjd", "n_detections", "rise_rate", "star_distance", "star_score"),
    *("solar_system_distance", "real_bogus", "host_separation", "host_scatter", "known_separation", "ra", "dec"),
    *("galactic_latitude", "n_votes"),
)
"""Columns with a filter `min_<name>` and `max_<name>`."""
MOST_ROWS = 500
_DAY, _UNIX_MJD = 86400.0, 40587.0
_COLUMNS = [c for c in t.Candidate.__table__.c if c.name not in t.INTERNAL]


@dataclass(frozen=True)
class Query:
    """Which candidates, in which order."""

    ranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Column of `RANGES` -> lowest and highest value; rows without one are left out."""
    text: str = ""
    """Beginning of an object id."""
    bands: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Top classes of the ranking model."""
    decision: str = ""
    """`open` (no votes), `disputed`, or a label."""
    known: bool | None = None
    """Only those that are, or are not, in a catalogue."""
    star: bool | None = None
    """Only those that do, or do not, sit on a star (sgscore1 > 0.5 within 1 arcsec), as the service's rule has it."""
    solar_system: bool | None = None
    """Only those with, or without, a known solar-system object within 5 arcsec."""
    min_absolute_latitude: float | None = None
    """Degrees from the Galactic plane."""
    cone: tuple[float, float, float] | None = None
    """ra, dec, radius in degrees."""
    last_hours: float | None = None
    """First detected so many hours ago at most."""
    tag: str = ""
    unseen_by: str = ""
    """Only those without a vote of this user."""
    sort: str = "score"
    descending: bool = True

    def __post_init__(self) -> None:
        """Raises ConfigError for columns that cannot be sorted or filtered by."""
        if self.sort not in t.SORTABLE:
            raise ConfigError(f"a list cannot be sorted by '{self.sort}': use one of {', '.join(t.SORTABLE)}")
        if unknown := sorted(set(self.ranges) - set(RANGES)):
            raise ConfigError(f"there is no range of '{unknown[0]}': use one of {', '.join(RANGES)}")


@dataclass(frozen=True)
class Page:
    """Some rows of a list."""

    rows: list[dict[str, Any]]
    total: int | None
    """Of the whole list; only on its first page."""
    cursor: str
    """Where the next page begins; empty: there is none."""


def page(connection: Connection, query: Query, limit: int = 100, cursor: str = "") -> Page:
    """One page.

    Raises:
      ConfigError: a cursor that is none, or a limit that makes no sense.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise ConfigError(f"a page of {limit} rows is impossible: ask for 1 to {MOST_ROWS}")
    missing, value, number = _read_cursor(cursor, query.sort) if cursor else (False, None, None)
    rows: list[dict[str, Any]] = []
    if not missing:
        rows = _fetch(connection, _part(query, value, number, missing=False), limit)
        number = None
    if len(rows) < limit and _nullable(query):
        rows += _fetch(connection, _part(query, None, number, missing=True), limit - len(rows))
    total = None
    if not cursor:
        counted = select(func.count()).select_from(t.Candidate).where(*_conditions(query))
        total = connection.execute(counted).scalar_one()
    last = _cursor(query, rows[-1]) if len(rows) == limit else ""
    return Page(rows, total, last)


def everything(connection: Connection, query: Query) -> list[dict[str, Any]]:
    """All rows of a list, in order."""
    rows, cursor = [], ""
    while True:
        found = page(connection, query, MOST_ROWS, cursor)
        rows += found.rows
        if not found.cursor:
            return rows
        cursor = found.cursor


def _fetch(connection: Connection, statement: Select, limit: int) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(statement.limit(limit)).mappings()]


def _nullable(query: Query) -> bool:
    return bool(t.Candidate.__table__.c[query.sort].nullable)


def _part(query: Query, value: Any, number: int | None, missing: bool) -> Select:
    """Rows with a value of the sorted column, or those without, behind a cursor."""
    column, key = t.Candidate.__table__.c[query.sort], t.Candidate.__table__.c.id
    statement = select(*_COLUMNS).where(*_conditions(query))
    if missing:
        statement = statement.where(column.is_(None)).order_by(key)
        return statement if number is None else statement.where(key > number)
    if _nullable(query):
        statement = statement.where(column.is_not(None))
    if number is not None:
        beyond = column < value if query.descending else column > value
        behind = key < number if query.descending else key > number
        bound = column <= value if query.descending else column >= value  # lets the index be entered at the cursor
        statement = statement.where(bound, or_(beyond, and_(column == value, behind)))
    return statement.order_by(*((column.desc(), key.desc()) if query.descending else (column, key)))


def _conditions(query: Query) -> Sequence[Any]:
    c = t.Candidate
    found: list[Any] = []
    for name, (low, high) in query.ranges.items():
        column = getattr(c, name)
        found += [column >= low] if low is not None else []
        found += [column <= high] if high is not None else []
    if query.text:
        escaped = query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        found.append(c.object_id.ilike(f"%{escaped}%", escape="\\"))
    if query.bands:
        found.append(c.band.in_(query.bands))
    if query.classes:
        found.append(c.top_class.in_(query.classes))
    if query.decision == "open":
        found.append(c.n_votes == 0)
    elif query.decision == "disputed":
        found.append(c.agreed.is_(False))
    elif query.decision:
        found.append(c.decision == query.decision)
    if query.known is not None:
        found.append(c.known != "" if query.known else c.known == "")
    if query.star is not None:
        on_star = and_(c.star_score > 0.5, c.star_distance < 1.0)
        found.append(on_star if query.star else or_(c.star_score.is_(None), c.star_distance.is_(None), ~on_star))
    if query.solar_system is not None:
        near = c.solar_system_distance <= 5.0
        found.append(near if query.solar_system else or_(c.solar_system_distance.is_(None), ~near))
    if query.min_absolute_latitude is not None:
        b = query.min_absolute_latitude
        found.append(or_(c.galactic_latitude >= b, c.galactic_latitude <= -b))
    if query.last_hours is not None:
        found.append(c.first_mjd >= time.time() / _DAY + _UNIX_MJD - query.last_hours / 24)
    if query.tag:
        found.append(select(t.Tag.tag).where(t.Tag.candidate_id == c.id, t.Tag.tag == query.tag).exists())
    if query.unseen_by:
        seen = select(t.Vote.user).where(t.Vote.candidate_id == c.id, t.Vote.user == query.unseen_by)
        found.append(~seen.exists())
    if query.cone:
        found += in_cone(*query.cone)
    return found


def _cursor(query: Query, row: Mapping[str, Any]) -> str:
    value = row[query.sort]
    return base64.urlsafe_b64encode(json.dumps([value is None, value, row["id"]]).encode()).decode()


def _read_cursor(text: str, sort: str) -> tuple[bool, Any, int]:
    try:
        missing, value, number = json.loads(base64.urlsafe_b64decode(text.encode()))
        wanted = (str,) if t.Candidate.__table__.c[sort].type.python_type is str else (int, float)
        numbers = [n for n in (value, number) if isinstance(n, int | float)]
        if not (isinstance(missing, bool) and isinstance(number, int) and isinstance(value, (*wanted, type(None)))):
            raise ValueError
        if not all(abs(n) < 2**63 for n in numbers):
            raise ValueError
    except (ValueError, TypeError) as error:
        raise ConfigError("the cursor of the page is none: begin with the first page") from error
    return missing, value, number
