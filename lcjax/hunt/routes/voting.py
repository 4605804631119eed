"""Votes, undo, notes, tags, agreement, the audit log."""

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import select

from lcjax.errors import ConfigError
from lcjax.hunt import tables as t
from lcjax.hunt import votes
from lcjax.hunt.agreement import agreement
from lcjax.hunt.routes.doors import Here, Number, Visitor

router = APIRouter()
Key = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[\w-]+$")]


class Ballot(BaseModel):
    """A label, empty to withdraw, and the request's own key."""

    label: str = Field(max_length=100)
    key: Key


class Undo(BaseModel):
    """The request's own key."""

    key: Key


class Note(BaseModel):
    """A remark."""

    text: str = Field(max_length=votes.MOST_TEXT)
    key: Key


class Tag(BaseModel):
    """A word, and whether it is to be there."""

    tag: str = Field(max_length=votes.MOST_TAG)
    there: bool


@router.post("/api/candidates/{number}/vote")
def vote(number: Number, body: Ballot, night: Here, visitor: Visitor) -> dict[str, Any]:
    """Sets one's vote; it is on the disk when this answers."""
    label = night.label(body.label) if body.label else ""
    if label and label not in night.labels:
        raise ConfigError(f"there is no label '{body.label[:40]}': use {', '.join(night.labels)}")
    with night.database.write() as connection:
        state = votes.vote(connection, visitor.user, number, label, f"{visitor.user} {body.key}")
    night.background.changed()
    return state


@router.post("/api/undo")
def undo(body: Undo, night: Here, visitor: Visitor) -> dict[str, Any]:
    """Takes back one's last change of a vote."""
    with night.database.write() as connection:
        state = votes.undo(connection, visitor.user, f"{visitor.user} {body.key}")
    night.background.changed()
    return {"state": state}


@router.post("/api/candidates/{number}/notes")
def note(number: Number, body: Note, night: Here, visitor: Visitor) -> dict[str, Any]:
    """Adds a remark."""
    with night.database.write() as connection:
        return votes.add_note(connection, visitor.user, number, body.text, f"{visitor.user} {body.key}")


@router.post("/api/candidates/{number}/tags")
def tag(number: Number, body: Tag, night: Here, visitor: Visitor) -> dict[str, Any]:
    """Adds or removes a word."""
    with night.database.write() as connection:
        return votes.set_tag(connection, visitor.user, number, body.tag, body.there)


@router.get("/api/agreement")
def agreed(night: Here, visitor: Visitor) -> dict[str, Any]:
    """How well users agree, and how many votes there are of each label."""
    with night.database.read() as connection:
        rows = connection.execute(select(t.Vote.candidate_id, t.Vote.user, t.Vote.label)).all()
        labels = votes.counts(connection)
    ballots: dict[int, dict[str, str]] = {}
    for row in rows:
        ballots.setdefault(row.candidate_id, {})[row.user] = row.label
    found = agreement(ballots)
    numbers = {name: getattr(found, name) for name in ("alpha", "items", "unanimous", "pairs")}
    return {**numbers, "labels": labels, "candidates": len(ballots)}


@router.get("/api/audit")
def audit(
    night: Here,
    visitor: Visitor,
    before: Number | None = None,
    object_id: Annotated[str, Query(alias="object", max_length=200)] = "",
    user: Annotated[str, Query(max_length=100)] = "",
    day: Annotated[str, Query(max_length=20)] = "",
) -> dict[str, Any]:
    """Who did what, the newest first, a hundred at once; of an object, a user or a day where these are given."""
    try:
        of_day = datetime.date.fromisoformat(day) if day else None
    except ValueError:
        raise ConfigError(f"'{day[:20]}' is no day: write it as 2026-01-31") from None
    with night.database.read() as connection:
        return {"rows": votes.audit(connection, before, object_id, user, of_day)}
