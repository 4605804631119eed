"""Votes of users, their undo, notes, tags, and the log of who did what.

A label is a class (`SN`, `bogus`, ...). A request carries a key of its own, so that a page which was cut off may send it again
and nothing is counted twice. What is decided is what most votes say; with as many for another label it is disputed.
"""

import datetime
import time
from collections import Counter
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from lcjax.errors import ConfigError, DataError
from lcjax.hunt import tables as t

MOST_TEXT = 4000
"""Characters of a note."""
MOST_TAG = 40


def vote(connection: Connection, user: str, candidate: int, label: str, key: str) -> dict[str, Any]:
    """Sets what a user holds a candidate for; an empty label withdraws the vote. Returns the candidate's state.

    Raises:
      DataError: there is no such candidate.
    """
    name = _object(connection, candidate)
    if connection.execute(select(t.Ballot.id).where(t.Ballot.key == key)).first() is None:
        before = _label(connection, candidate, user)
        ballot = {"key": key, "candidate_id": candidate, "user": user, "before": before, "after": label}
        connection.execute(insert(t.Ballot).values(**ballot, at=time.time()))
        _set(connection, candidate, user, label)
        log(connection, user, "vote" if label else "withdraw", name, f"{before or '-'} -> {label or '-'}")
    return state(connection, candidate)


def undo(connection: Connection, user: str, key: str) -> dict[str, Any] | None:
    """Takes back the user's last change of a vote that is not taken back yet; None: there is none."""
    done = connection.execute(select(t.Ballot.candidate_id).where(t.Ballot.key == key)).scalar()
    if done is not None:
        return state(connection, done)
    mine = (t.Ballot.user == user) & t.Ballot.undone.is_(False)
    last = connection.execute(select(t.Ballot.__table__).where(mine).order_by(t.Ballot.id.desc()).limit(1)).first()
    if last is None:
        return None
    connection.execute(update(t.Ballot).where(t.Ballot.id == last.id).values(undone=True))
    trace = {"candidate_id": last.candidate_id, "user": user, "before": last.after, "after": last.before}
    connection.execute(insert(t.Ballot).values(key=key, **trace, undone=True, at=time.time()))
    _set(connection, last.candidate_id, user, last.before)
    name = _object(connection, last.candidate_id)
    log(connection, user, "undo", name, f"{last.after or '-'} -> {last.before or '-'}")
    return state(connection, last.candidate_id)


def _object(connection: Connection, candidate: int) -> str:
    found = connection.execute(select(t.Candidate.object_id).where(t.Candidate.id == candidate)).scalar()
    if found is None:
        raise DataError(f"there is no candidate number {candidate}: load the list again")
    return found


def _label(connection: Connection, candidate: int, user: str) -> str:
    mine = (t.Vote.candidate_id == candidate) & (t.Vote.user == user)
    return connection.execute(select(t.Vote.label).where(mine)).scalar() or ""


def _set(connection: Connection, candidate: int, user: str, label: str) -> None:
    # Two users may vote on one candidate at once: the second waits here, and counts what the first did.
    connection.execute(select(t.Candidate.id).where(t.Candidate.id == candidate).with_for_update())
    connection.execute(delete(t.Vote).where(t.Vote.candidate_id == candidate, t.Vote.user == user))
    if label:
        connection.execute(insert(t.Vote).values(candidate_id=candidate, user=user, label=label, at=time.time()))
    votes = Counter(connection.execute(select(t.Vote.label).where(t.Vote.candidate_id == candidate)).scalars())
    decision, agreed = decide(votes)
    values = {"decision": decision, "agreed": agreed, "n_votes": votes.total()}
    connection.execute(update(t.Candidate).where(t.Candidate.id == candidate).values(**values))


def decide(votes: Counter[str]) -> tuple[str, bool]:
    """What most votes say (empty: nothing, or a tie), and whether they are of one mind.

    >>> decide(Counter({"SN": 2, "bogus": 1})), decide(Counter({"SN": 1, "bogus": 1})), decide(Counter())
    (('SN', False), ('', False), ('', True))
    """
    first = votes.most_common(2)
    tie = len(first) == 2 and first[0][1] == first[1][1]
    return ("" if tie or not first else first[0][0]), len(votes) < 2


def state(connection: Connection, candidate: int) -> dict[str, Any]:
    """Votes, notes and tags of a candidate."""
    votes = connection.execute(select(t.Vote.user, t.Vote.label, t.Vote.at).where(t.Vote.candidate_id == candidate))
    notes = select(t.Note.user, t.Note.text, t.Note.at).where(t.Note.candidate_id == candidate).order_by(t.Note.id)
    tags = select(t.Tag.tag).where(t.Tag.candidate_id == candidate).order_by(t.Tag.tag)
    c = t.Candidate
    row = connection.execute(select(c.id, c.object_id, c.decision, c.agreed, c.n_votes).where(c.id == candidate)).one()
    return {
        **row._mapping,
        "votes": [dict(v._mapping) for v in votes],
        "notes": [dict(n._mapping) for n in connection.execute(notes)],
        "tags": list(connection.execute(tags).scalars()),
    }


def add_note(connection: Connection, user: str, candidate: int, text: str, key: str) -> dict[str, Any]:
    """Adds a remark.

    Raises:
      ConfigError: it is empty or too long. DataError: there is no such candidate.
    """
    text = text.replace("\0", "?").strip()
    if not 1 <= len(text) <= MOST_TEXT:
        raise ConfigError(f"a note of {len(text)} characters is not possible: write 1 to {MOST_TEXT}")
    name = _object(connection, candidate)
    if connection.execute(select(t.Note.id).where(t.Note.key == key)).first() is None:
        connection.execute(insert(t.Note).values(key=key, candidate_id=candidate, user=user, text=text, at=time.time()))
        log(connection, user, "note", name, text[:200])
    return state(connection, candidate)


def set_tag(connection: Connection, user: str, candidate: int, tag: str, there: bool) -> dict[str, Any]:
    """Adds or removes a word that a candidate is found by.

    Raises:
      ConfigError: it is no word of up to 40 letters, digits, - and _. DataError: there is no such candidate.
    """
    tag = tag.strip().lower()
    if not (1 <= len(tag) <= MOST_TAG and all(c.isalnum() or c in "-_" for c in tag)):
        raise ConfigError(f"'{tag[:MOST_TAG]}' is no tag: use up to {MOST_TAG} letters, digits, - and _")
    name = _object(connection, candidate)
    same = (t.Tag.candidate_id == candidate) & (t.Tag.tag == tag)
    before = connection.execute(select(t.Tag.tag).where(same)).first() is not None
    if there and not before:
        connection.execute(insert(t.Tag).values(candidate_id=candidate, tag=tag, user=user, at=time.time()))
    elif not there and before:
        connection.execute(delete(t.Tag).where(same))
    if there != before:
        log(connection, user, "tag" if there else "untag", name, tag)
    return state(connection, candidate)


def log(connection: Connection, user: str, action: str, object_id: str = "", detail: str = "") -> None:
    """Adds a line to the audit log."""
    row = {"user": user, "action": action, "object_id": object_id, "detail": detail}
    connection.execute(insert(t.Audit).values(at=time.time(), **row))


def audit(
    connection: Connection,
    before: int | None = None,
    object_id: str = "",
    user: str = "",
    day: datetime.date | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Lines of the log, the newest first: of an object, a user, a day (UTC), before a line, where these are given."""
    query = select(t.Audit.__table__).order_by(t.Audit.id.desc()).limit(limit)
    query = query if before is None else query.where(t.Audit.id < before)
    query = query.where(t.Audit.object_id == object_id) if object_id else query
    query = query.where(t.Audit.user == user) if user else query
    if day is not None:
        begin = datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()
        query = query.where(t.Audit.at >= begin, t.Audit.at < begin + 86400)
    return [dict(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    """Label -> votes of all users."""
    return dict(connection.execute(select(t.Vote.label, func.count()).group_by(t.Vote.label)).all())
