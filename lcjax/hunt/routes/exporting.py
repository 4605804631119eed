"""Files to take away."""

import json
import time
from typing import Literal

from fastapi import APIRouter, Request, Response

from lcjax.hunt import exports, tns, votes
from lcjax.hunt.asking import query_of
from lcjax.hunt.routes.doors import Here, Visitor

router = APIRouter()
Form = Literal["csv", "json", "labels", "tns"]
_TYPES = {"csv": "text/csv", "labels": "text/csv", "json": "application/json", "tns": "application/json"}
_ENDINGS = {"csv": "candidates.csv", "labels": "labels.csv", "json": "candidates.json", "tns": "tns.json"}


@router.get("/api/export/{form}")
def export(form: Form, request: Request, night: Here, visitor: Visitor) -> Response:
    """The list that the address asks for, as a file; a TNS report holds the accepted candidates among it."""
    with night.database.read() as connection:
        rows = exports.rows_of(connection, query_of(request.query_params, visitor.user))
        if form == "tns":
            accepted = [row for row in rows if row["decision"] == night.label(night.wanted)]
            text = json.dumps(tns.bulk_report(connection, accepted, night.reporter), indent=1)
        else:
            make = {"csv": exports.as_csv, "json": exports.as_json, "labels": exports.labels_csv}[form]
            text = make(rows)
    with night.database.write() as connection:
        votes.log(connection, visitor.user, "export", detail=f"{form}: {len(rows)} candidates")
    name = f"hunt-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{_ENDINGS[form]}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{_TYPES[form]}; charset=utf-8", headers=headers)
