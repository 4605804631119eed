"""Candidates into the database and out of it again."""

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, insert, literal, select, update
from sqlalchemy.exc import DatabaseError

from lcjax.errors import DataError, Rejection
from lcjax.hunt import tables as t
from lcjax.hunt.candidates import STAMP_NAMES, Candidate, Cutout, Delivery, LightCurve
from lcjax.hunt.facts import facts, finite, merged
from lcjax.hunt.pixels import packed, unpacked

_LONGEST = 400
"""Characters of a text field of a packet that are kept."""
_MOST_FIELDS = 600
_TEMPLATE = "template"
_LONGEST_BAND = 8


def store(connection: Connection, delivery: Delivery) -> int:
    """Adds what a feed delivered, and its marks; returns how many candidates are new."""
    now, new = time.time(), 0
    for arrival in delivery.arrivals:
        if isinstance(arrival, Rejection):
            _refuse(connection, arrival, now)
            continue
        try:
            _check(arrival)
            with connection.begin_nested():  # one that the database refuses takes no other with it
                new += _store_one(connection, arrival, now)
        except (DataError, DatabaseError) as error:
            reason = str(error) if isinstance(error, DataError) else f"the database refuses it: {error.orig}"
            _refuse(connection, Rejection(arrival.object_id, reason, arrival.origin, arrival.alert_id), now)
    for name, value in delivery.marks.items():
        connection.execute(delete(t.Mark).where(t.Mark.name == name))
        connection.execute(insert(t.Mark).values(name=name, value=value))
    return new


def _check(candidate: Candidate) -> None:
    """Raises DataError: what the list cannot do without is missing."""
    if not candidate.object_id:
        raise DataError("no name: an alert needs the id of an object")
    if not -(2**63) <= candidate.alert_id < 2**63:
        raise DataError(f"impossible number of an alert: {candidate.alert_id}")
    if not np.isfinite((candidate.mjd, candidate.ra, candidate.dec)).all():
        raise DataError("no time or position: the alert came without its packet")
    if not (0 <= candidate.ra <= 360 and -90 <= candidate.dec <= 90):
        raise DataError(f"impossible position: ra {candidate.ra:g}, dec {candidate.dec:g}")


def _refuse(connection: Connection, rejection: Rejection, now: float) -> None:
    texts = {name: getattr(rejection, name).replace("\0", "?")[:_LONGEST] for name in ("object_id", "reason", "origin")}
    number = rejection.alert_id if -(2**63) <= rejection.alert_id < 2**63 else 0
    connection.execute(insert(t.Refused).values(**texts, alert_id=number, at=now))


def _store_one(connection: Connection, candidate: Candidate, now: float) -> int:
    same = (t.Candidate.survey == candidate.survey) & (t.Candidate.object_id == candidate.object_id)
    there = connection.execute(select(t.Candidate.id, t.Candidate.mjd, t.Candidate.band).where(same)).first()
    if there is None:
        stamps = [{"name": name, **packed(c)} for name, c in candidate.cutouts.items() if name in STAMP_NAMES]
        row = {**facts(candidate), "arrived": now}
        found = connection.execute(insert(t.Candidate).values(**row)).inserted_primary_key
        (number,) = found or (0,)
        _store_parts(connection, number, candidate, stamps)
        return 1
    curve = merged(_curve(connection, there.id), candidate.light_curve)
    earlier = candidate.mjd < there.mjd and bool(candidate.cutouts)
    if earlier:  # the discovery is what is shown
        stamps = [{"name": name, **packed(c)} for name, c in candidate.cutouts.items() if name in STAMP_NAMES]
        _colour_of_shown(connection, there.id, there.band, candidate.band)
        for table in (t.Detail, t.Stamp, t.Prediction, t.Host):
            connection.execute(delete(table).where(table.candidate_id == there.id))
        _store_parts(connection, there.id, dataclasses.replace(candidate, light_curve=curve), stamps)
        row = facts(dataclasses.replace(candidate, light_curve=curve))
    else:
        _colour_of(connection, there.id, there.band, candidate)
        kept = dataclasses.asdict(curve)
        connection.execute(update(t.Detail).where(t.Detail.candidate_id == there.id).values(light_curve=kept))
        row = {
            name: facts(dataclasses.replace(candidate, light_curve=curve))[name]
            for name in ("n_detections", "rise_rate", "first_mjd")
        }
    connection.execute(update(t.Candidate).where(t.Candidate.id == there.id).values(**row))
    return 0


def _store_parts(
    connection: Connection, number: int, candidate: Candidate, stamps: Sequence[Mapping[str, Any]]
) -> None:
    connection.execute(
        insert(t.Detail).values(
            candidate_id=number,
            fields=_plain(candidate.metadata),
            light_curve=dataclasses.asdict(candidate.light_curve),
            origin=candidate.origin[:_LONGEST],
        )
    )
    for stamp in stamps:
        connection.execute(insert(t.Stamp).values(candidate_id=number, **stamp))


def _colour_of(connection: Connection, number: int, shown: str, candidate: Candidate) -> None:
    """Keeps the template of an alert in another band than is shown, the first of each band, for a picture in colour."""
    template = candidate.cutouts.get(_TEMPLATE)
    if template is None or not 0 < len(candidate.band) <= _LONGEST_BAND or candidate.band == shown:
        return
    mine = (t.Colour.candidate_id == number) & (t.Colour.band == candidate.band)
    if connection.execute(select(t.Colour.band).where(mine)).first() is None:
        connection.execute(insert(t.Colour).values(candidate_id=number, band=candidate.band, **packed(template)))


def _colour_of_shown(connection: Connection, number: int, band: str, new: str) -> None:
    """Before an alert in another band is shown instead: its template becomes one colour, that of the new band is none."""
    connection.execute(delete(t.Colour).where(t.Colour.candidate_id == number, t.Colour.band.in_((band, new))))
    if not 0 < len(band) <= _LONGEST_BAND or band == new:
        return
    pixels = [getattr(t.Stamp, name) for name in ("candidate_id", "height", "width", "pixel_scale", "world", "pixels")]
    mine = select(literal(band), *pixels).where(t.Stamp.candidate_id == number, t.Stamp.name == _TEMPLATE)
    connection.execute(insert(t.Colour).from_select(["band", *(column.key for column in pixels)], mine))


def _plain(metadata: Mapping[str, Any]) -> dict[str, float | str | None]:
    """Fields as JSON can hold them."""
    few = list(metadata.items())[:_MOST_FIELDS]
    return {str(k)[:_LONGEST]: v[:_LONGEST] if isinstance(v, str) else finite(v) for k, v in few}


def _curve(connection: Connection, number: int) -> LightCurve:
    found = connection.execute(select(t.Detail.light_curve).where(t.Detail.candidate_id == number)).scalar()
    return LightCurve(**(found or {}))


def load(connection: Connection, numbers: Iterable[int]) -> dict[int, Candidate]:
    """Number -> candidate as it was given, of those that are there."""
    wanted = list(numbers)
    cutouts: dict[int, dict[str, Cutout]] = {}
    for row in connection.execute(select(t.Stamp.__table__).where(t.Stamp.candidate_id.in_(wanted))):
        world = tuple(row.world) if row.world else None
        cutout = Cutout(unpacked(row.height, row.width, row.pixels), row.pixel_scale, world)  # type: ignore[arg-type]
        cutouts.setdefault(row.candidate_id, {})[row.name] = cutout
    query = select(t.Candidate.__table__, t.Detail.__table__).join(t.Detail).where(t.Candidate.id.in_(wanted))
    names = ("survey", "object_id", "alert_id", "mjd", "ra", "dec", "band", "magnitude", "magnitude_error", "origin")
    return {
        row.id: Candidate(
            **{name: getattr(row, name) for name in names},
            metadata=row.fields,
            cutouts=cutouts.get(row.id, {}),
            light_curve=LightCurve(**row.light_curve),
        )
        for row in connection.execute(query)
    }


def marks(connection: Connection) -> dict[str, str]:
    """How far everything has been read."""
    return dict(connection.execute(select(t.Mark.name, t.Mark.value)).all())
