"""What leaves the app: the night as CSV and JSON, and labels that training takes."""

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from lcjax.hunt import tables as t
from lcjax.hunt.search import Query, everything

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SOME = 500


def rows_of(connection: Connection, query: Query) -> list[dict[str, Any]]:
    """Candidates of a list with their votes, notes, tags and probabilities."""
    rows = everything(connection, query)
    for begin in range(0, len(rows), _SOME):
        part = {row["id"]: row for row in rows[begin : begin + _SOME]}
        for row in part.values():
            row |= {"votes": {}, "notes": [], "tags": [], "probabilities": {}}
        v, n, g, p = t.Vote, t.Note, t.Tag, t.Prediction
        found = lambda *columns: connection.execute(select(*columns).where(columns[0].in_(part)))
        for vote in found(v.candidate_id, v.user, v.label):
            part[vote.candidate_id]["votes"][vote.user] = vote.label
        for note in found(n.candidate_id, n.user, n.text, n.at):
            part[note.candidate_id]["notes"].append({"user": note.user, "text": note.text, "at": note.at})
        for tag in found(g.candidate_id, g.tag):
            part[tag.candidate_id]["tags"].append(tag.tag)
        names = dict(connection.execute(select(t.Model.name, t.Model.class_names)).all())
        for said in found(p.candidate_id, p.model, p.probabilities):
            if said.probabilities is not None:
                pairs = dict(zip(names[said.model], said.probabilities, strict=True))
                part[said.candidate_id]["probabilities"][said.model] = pairs
    return rows


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """One object with all candidates; ids of alerts as text, which JavaScript could not hold as numbers."""
    plain = [{**row, "alert_id": str(row["alert_id"])} for row in rows]
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps({"written": written, "candidates": plain}, indent=1, allow_nan=False)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table, one candidate a row; a column `p_MODEL_CLASS` for every probability, `vote_USER` for every user."""
    text = io.StringIO()
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row)) or [
        c.name for c in t.Candidate.__table__.c if c.name not in t.INTERNAL
    ]
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
    for model, classes in row["probabilities"].items():
        plain |= {f"p_{model}_{name}": value for name, value in classes.items()}
    plain |= {f"vote_{user}": label for user, label in sorted(row["votes"].items())}
    plain["notes"] = " | ".join(f"{note['user']}: {note['text']}" for note in row["notes"])
    plain["tags"] = " ".join(row["tags"])
    return {_harmless(name): _harmless(value) for name, value in plain.items()}


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet does not run as a formula.

    >>> _harmless("=1+1"), _harmless("SN"), _harmless(-1.5)
    ("'=1+1", 'SN', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def labels_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """`object_id,alert_id,label,votes,agreed` of candidates that are decided: what `lcjax train ... --labels` takes.

    Candidates without a vote, or with a tie, have no label and are left out. The label is of the object: `lcjax train` goes
    by the alert where the table names one, so the alert that was looked at is named.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("object_id", "alert_id", "label", "votes", "agreed"))
    for row in rows:
        if row["decision"]:
            agreed = "yes" if row["agreed"] else "no"
            writer.writerow((row["object_id"], row["alert_id"], row["decision"], row["n_votes"], agreed))
    return text.getvalue()
