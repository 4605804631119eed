"""Coming in and going out, and who one is."""

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from lcjax.hunt import sessions, votes
from lcjax.hunt.guards import cookie_of
from lcjax.hunt.night import Night

router = APIRouter()


def night_of(request: Request) -> Night:
    """What the server knows."""
    return request.app.state.night


Here = Annotated[Night, Depends(night_of)]
Number = Annotated[int, Field(ge=0, lt=2**63)]
"""Of a candidate or a line of the log, as databases can hold it."""


def _cookie(request: Request) -> str:
    return cookie_of(request.headers.get("host", ""))


def _secret(request: Request) -> str:
    return request.cookies.get(_cookie(request), "")


def session_of(request: Request, night: Here) -> sessions.Session:
    """The session of a request; one that changes something must bring its token.

    Raises:
      HTTPException: 401 without a session, 403 without its token.
    """
    with night.database.read() as connection:
        found = sessions.find_session(connection, _secret(request))
    if found is None:
        raise HTTPException(401, "log in first")
    brought = request.headers.get("x-csrf-token", "")
    if request.method not in ("GET", "HEAD") and not hmac.compare_digest(brought.encode(), found.csrf.encode()):
        raise HTTPException(403, "the page is of another session: load it again")
    return found


Visitor = Annotated[sessions.Session, Depends(session_of)]


class Login(BaseModel):
    """A name, and a password or the token."""

    name: str = Field(min_length=1, max_length=sessions.MOST_NAME)
    secret: str = Field(min_length=1, max_length=1000)


@router.post("/api/login")
def login(body: Login, request: Request, response: Response, night: Here) -> dict[str, Any]:
    """Lets a browser in."""
    _enter(request, response, night, body.name, body.secret)
    return {"ok": True}


@router.get("/enter")
def enter(request: Request, night: Here, name: str, token: str) -> Response:
    """The address that the command line prints: lets in and goes to the page, whose address has no token."""
    response = RedirectResponse("/", 303)
    _enter(request, response, night, name, token)
    return response


def _enter(request: Request, response: Response, night: Night, name: str, secret: str) -> None:
    address = request.client.host if request.client else "?"
    if not (night.attempts.allows(address) and night.attempts.allows(f"name {name.lower()[: sessions.MOST_NAME]}")):
        raise HTTPException(429, "too many attempts: wait a minute")
    sessions.check_name(name)
    with night.database.read() as connection:
        let_in = sessions.may_enter(connection, name, secret[:1000], night.token)
    if not let_in:
        with night.database.write() as connection:
            votes.log(connection, name, "refused", detail=f"from {address}")
        raise HTTPException(401, "this name and password or token do not let in")
    with night.database.write() as connection:
        key = sessions.open_session(connection, name)
        votes.log(connection, name, "login", detail=f"from {address}")
    response.set_cookie(
        _cookie(request),
        key,
        max_age=int(sessions.SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=night.secure,
    )


@router.post("/api/logout")
def logout(request: Request, response: Response, night: Here, visitor: Visitor) -> dict[str, Any]:
    """Forgets this browser."""
    with night.database.write() as connection:
        sessions.close_session(connection, _secret(request))
        votes.log(connection, visitor.user, "logout")
    response.delete_cookie(_cookie(request))
    return {"ok": True}


@router.get("/api/me")
def me(night: Here, visitor: Visitor) -> dict[str, Any]:
    """Who one is, and what the page must know."""
    return {
        "user": visitor.user,
        "csrf": visitor.csrf,
        "wanted": night.label(night.wanted),
        "bogus": night.label("bogus"),
        "labels": night.labels,
        "models": [{"name": m.name, "class_names": m.class_names} for m in night.classifiers],
        "feed": night.background.feed.name,
    }
