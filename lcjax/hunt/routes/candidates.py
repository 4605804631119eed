"""Lists, single candidates, their stamps, the sky, progress."""

from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy import Connection, Select, select

from lcjax.errors import ConfigError, DataError
from lcjax.hunt import explanation, search, votes
from lcjax.hunt import tables as t
from lcjax.hunt.answering import class_number
from lcjax.hunt.asking import query_of
from lcjax.hunt.candidates import STAMP_LOST, STAMP_NAMES, LightCurve
from lcjax.hunt.facts import rise_rate_error
from lcjax.hunt.fields import meaning
from lcjax.hunt.links import links, schema
from lcjax.hunt.pixels import unpacked
from lcjax.hunt.routes.doors import Here, Number, Visitor
from lcjax.hunt.storing import load

router = APIRouter()
_SKY = 3000


@router.get("/api/candidates")
def listed(request: Request, night: Here, visitor: Visitor, limit: int = 100, cursor: str = "") -> dict[str, Any]:
    """A page of the list."""
    with night.database.read() as connection:
        found = search.page(connection, query_of(request.query_params, visitor.user), limit, cursor)
    return {"rows": found.rows, "total": found.total, "cursor": found.cursor}


@router.get("/api/sky")
def sky(request: Request, night: Here, visitor: Visitor) -> dict[str, Any]:
    """Places of the first candidates of the list."""
    rows: list[dict[str, Any]] = []
    query, cursor = query_of(request.query_params, visitor.user), ""
    with night.database.read() as connection:
        while len(rows) < _SKY:
            found = search.page(connection, query, search.MOST_ROWS, cursor)
            rows += found.rows
            cursor = found.cursor
            if not cursor:
                break
    return {"rows": [[r["id"], round(r["ra"], 4), round(r["dec"], 4), r["score"]] for r in rows], "cut": bool(cursor)}


@router.get("/api/candidates/{number}")
def one(number: Number, night: Here, visitor: Visitor) -> dict[str, Any]:
    """All of a candidate but the pixels of its stamps."""
    with night.database.read() as connection:
        query = select(t.Candidate.__table__, t.Detail.__table__).join(t.Detail).where(t.Candidate.id == number)
        row = connection.execute(query).mappings().first()
        if row is None:
            raise DataError(f"there is no candidate number {number}: load the list again")
        stamp = select(t.Stamp.name, t.Stamp.height, t.Stamp.width, t.Stamp.pixel_scale, t.Stamp.world)
        stamps = connection.execute(stamp.where(t.Stamp.candidate_id == number)).mappings().all()
        colour = select(t.Colour.band, t.Colour.height, t.Colour.width, t.Colour.pixel_scale, t.Colour.world)
        colours = connection.execute(_colours_of(colour, number)).mappings().all()
        asked = select(t.Prediction.__table__, t.Model.class_names).join(t.Model)
        predictions = connection.execute(asked.where(t.Prediction.candidate_id == number)).mappings().all()
        hosts = connection.execute(select(t.Host.__table__).where(t.Host.candidate_id == number)).mappings().all()
        lost = _lost_stamps(connection, row["object_id"], row["alert_id"])
        state = votes.state(connection, number)
    order = {m.name: i for i, m in enumerate(night.classifiers)}
    shown = ("model", "class_names", "probabilities", "entropy", "refused")
    predictions = sorted(predictions, key=lambda p: order.get(p["model"], len(order)))
    return {
        **{name: row[name] for name in row if name not in ("fields", "candidate_id", *t.INTERNAL)},
        "fields": [meaning(row["survey"], name, value) for name, value in sorted(row["fields"].items())],
        "stamps": sorted(map(dict, stamps), key=lambda s: STAMP_NAMES.index(s["name"])),
        "colours": [dict(c) for c in colours],
        "schema": schema(row["survey"]),
        "predictions": [{name: p[name] for name in shown} | {"loaded": p["model"] in order} for p in predictions],
        "hosts": [{name: h[name] for name in ("finder", "cutout", "answer", "refused")} for h in hosts],
        "lost_stamps": lost,
        "rise_rate_error": rise_rate_error(LightCurve(**row["light_curve"])),
        "links": links(row["survey"], row["object_id"], row["ra"], row["dec"]),
        **state,
    }


def _colours_of(query: Select, number: int) -> Select:
    """Templates in other bands, of a candidate."""
    return query.where(t.Colour.candidate_id == number).order_by(t.Colour.band)


def _lost_stamps(connection: Connection, object_id: str, alert_id: int) -> list[str]:
    """Why stamps of an alert are not there."""
    mine = (t.Refused.object_id == object_id) & (t.Refused.alert_id == alert_id)
    reasons = select(t.Refused.reason).where(mine, t.Refused.reason.startswith(STAMP_LOST, autoescape=True)).distinct()
    return sorted(connection.execute(reasons).scalars())


@router.get("/api/candidates/{number}/stamps")
def stamps(number: Number, night: Here, visitor: Visitor) -> Response:
    """Pixels of the stamps, then of the colours, in the order of the candidate's lists of them: little-endian float32, NaN
    where missing.
    """
    with night.database.read() as connection:
        rows = connection.execute(select(t.Stamp.__table__).where(t.Stamp.candidate_id == number)).all()
        colours = connection.execute(_colours_of(select(t.Colour.__table__), number)).all()
    rows = [*sorted(rows, key=lambda row: STAMP_NAMES.index(row.name)), *colours]
    raw = b"".join(unpacked(row.height, row.width, row.pixels).astype("<f4").tobytes() for row in rows)
    return Response(raw, media_type="application/octet-stream")


@router.get("/api/candidates/{number}/explanation")
def explained(
    number: Number,
    night: Here,
    visitor: Visitor,
    model: str,
    label: str,
    stamp: str = "all",
    method: Literal["occlusion", "gradient"] = "occlusion",
) -> dict[str, Any]:
    """Where a model looks."""
    known = next((m for m in night.classifiers if m.name == model), None)
    at = class_number(known.class_names, label) if known else None
    if known is None or at is None:
        raise ConfigError("there is no such model or class here")
    with night.database.read() as connection:
        candidate = load(connection, [number]).get(number)
    if candidate is None:
        raise DataError(f"there is no candidate number {number}: load the list again")
    explain = explanation.occlusion if method == "occlusion" else explanation.gradient
    make = lambda: explain(known, candidate, at, stamp)
    found = night.explanations.find((number, candidate.alert_id, model, at, stamp, method), make, visitor.csrf)
    if found is None:
        raise HTTPException(429, "too many explanations at once: wait a second")
    return found


@router.get("/api/progress")
def progress(night: Here, visitor: Visitor) -> dict[str, Any]:
    """How far reading and classifying are; `revision` is another whenever candidates changed, here or by another server."""
    background = night.background
    with night.database.read() as connection:
        total = connection.execute(select(search.func.count()).select_from(t.Candidate)).scalar_one()
        refused = connection.execute(select(search.func.count()).select_from(t.Refused)).scalar_one()
        logged = connection.execute(select(search.func.max(t.Audit.id))).scalar()
    return {
        **background.progress(),
        "candidates": total,
        "refused": refused,
        "revision": f"{background.revision} {total} {refused} {logged}",
        "ready": background.ready.is_set(),
        "troubles": background.troubles,
        "models": [m.name for m in background.classifiers],
    }


@router.get("/api/refused")
def refused(night: Here, visitor: Visitor) -> dict[str, Any]:
    """Alerts and files that could not be used, the last hundred, with reasons."""
    query = select(t.Refused.__table__).order_by(t.Refused.id.desc()).limit(100)
    with night.database.read() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return {"rows": [{**row, "alert_id": str(np.int64(row["alert_id"]))} for row in rows]}
