"""The tables of the database. Times are Unix seconds (`at`, `arrived`) or MJD (`mjd`)."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Of all tables."""


class Candidate(Base):
    """What lists, filters and sorts look at: small, indexed. One object, shown by the earliest of its alerts that came."""

    __tablename__ = "candidates"
    id: Mapped[int] = mapped_column(primary_key=True)
    survey: Mapped[str]
    object_id: Mapped[str]
    alert_id: Mapped[int] = mapped_column(BigInteger)
    mjd: Mapped[float]
    """Of the alert that is shown."""
    first_mjd: Mapped[float]
    """Of the first detection that is known."""
    ra: Mapped[float]
    dec: Mapped[float]
    band: Mapped[str]
    magnitude: Mapped[float | None]
    magnitude_error: Mapped[float | None]
    galactic_latitude: Mapped[float]
    n_detections: Mapped[int]
    rise_rate: Mapped[float | None]
    star_distance: Mapped[float | None]
    star_score: Mapped[float | None]
    solar_system_distance: Mapped[float | None]
    real_bogus: Mapped[float | None]
    score: Mapped[float | None]
    entropy: Mapped[float | None]
    top_class: Mapped[str] = mapped_column(default="")
    host_separation: Mapped[float | None]
    host_scatter: Mapped[float | None]
    known: Mapped[str] = mapped_column(default="")
    known_separation: Mapped[float | None]
    duplicate_of: Mapped[str] = mapped_column(default="")
    checked: Mapped[bool] = mapped_column(default=False)
    """Whether it was looked up among known objects."""
    decision: Mapped[str] = mapped_column(default="")
    n_votes: Mapped[int] = mapped_column(default=0)
    agreed: Mapped[bool] = mapped_column(default=True)
    arrived: Mapped[float]
    band_of_sky: Mapped[int] = mapped_column(server_default="0")
    """Whole degrees of declination; with it `x`, `y`, `z`, the unit vector: see `sky`."""
    x: Mapped[float] = mapped_column(server_default="0")
    y: Mapped[float] = mapped_column(server_default="0")
    z: Mapped[float] = mapped_column(server_default="0")
    __table_args__ = (UniqueConstraint("survey", "object_id"),)


SORTABLE = (
    *(
        "score",
        "entropy",
        "mjd",
        "first_mjd",
        "magnitude",
        "n_detections",
        "rise_rate",
        "galactic_latitude",
        "star_distance",
    ),
    *("solar_system_distance", "real_bogus", "host_separation", "known_separation", "n_votes", "arrived", "object_id"),
    *("ra", "dec"),
)
"""Columns by which a list may be sorted; each has an index."""
for _name in SORTABLE:
    Index(f"candidates_by_{_name}", Candidate.__table__.c[_name], Candidate.__table__.c.id)
Index("candidates_by_place", *(Candidate.__table__.c[_name] for _name in ("band_of_sky", "ra", "id")))
INTERNAL = ("checked", "band_of_sky", "x", "y", "z")
"""Columns of candidates that are nobody's business but the database's."""
Index("candidates_by_checked", Candidate.__table__.c.checked)
Index("candidates_by_decision", Candidate.__table__.c.decision, Candidate.__table__.c.score)


class Detail(Base):
    """What only the page of one candidate needs."""

    __tablename__ = "details"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    light_curve: Mapped[dict[str, Any]] = mapped_column(JSON)
    origin: Mapped[str]


class Stamp(Base):
    """One cutout: little-endian float32, compressed."""

    __tablename__ = "stamps"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    height: Mapped[int]
    width: Mapped[int]
    pixel_scale: Mapped[float]
    world: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    pixels: Mapped[bytes] = mapped_column(LargeBinary)


class Colour(Base):
    """The template of a candidate in another band than the alert that is shown, from a later alert; as `Stamp`."""

    __tablename__ = "colours"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    band: Mapped[str] = mapped_column(primary_key=True)
    height: Mapped[int]
    width: Mapped[int]
    pixel_scale: Mapped[float]
    world: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    pixels: Mapped[bytes] = mapped_column(LargeBinary)


class Model(Base):
    """A classifier that was asked; its classes are those of the probabilities of its predictions."""

    __tablename__ = "models"
    name: Mapped[str] = mapped_column(primary_key=True)
    class_names: Mapped[list[str]] = mapped_column(JSON)


class Prediction(Base):
    """What a classifier says of a candidate, or why it says nothing."""

    __tablename__ = "predictions"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    model: Mapped[str] = mapped_column(ForeignKey("models.name"), primary_key=True)
    probabilities: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    entropy: Mapped[float | None]
    refused: Mapped[str] = mapped_column(default="")


class Host(Base):
    """Where a host finder sees the host of a candidate, or why it sees none."""

    __tablename__ = "hosts"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    finder: Mapped[str] = mapped_column(primary_key=True)
    cutout: Mapped[str]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    refused: Mapped[str] = mapped_column(default="")


class User(Base):
    """Who triages; without a password hash: whoever has the token may take the name."""

    __tablename__ = "users"
    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str] = mapped_column(default="")


class Session(Base):
    """A browser that is let in; only the hash of its secret is kept."""

    __tablename__ = "sessions"
    secret_hash: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name"))
    until: Mapped[float]


class Vote(Base):
    """What a user holds a candidate for, now."""

    __tablename__ = "votes"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name"), primary_key=True)
    label: Mapped[str]
    at: Mapped[float]
    __table_args__ = (Index("votes_by_user", "user", "candidate_id"),)


class Ballot(Base):
    """Every change of a vote, for undo; a repeated request has the same key and changes nothing twice."""

    __tablename__ = "ballots"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"))
    user: Mapped[str] = mapped_column(ForeignKey("users.name"))
    before: Mapped[str]
    after: Mapped[str]
    undone: Mapped[bool] = mapped_column(default=False)
    at: Mapped[float]
    __table_args__ = (Index("ballots_by_user", "user", "id"),)


class Note(Base):
    """A remark of a user."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), index=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name"))
    text: Mapped[str]
    at: Mapped[float]


class Tag(Base):
    """A word that a candidate can be found by."""

    __tablename__ = "tags"
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidates.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name"))
    at: Mapped[float]
    __table_args__ = (Index("tags_by_tag", "tag", "candidate_id"),)


class Audit(Base):
    """Who did what, when: rows are only ever added."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    user: Mapped[str]
    action: Mapped[str]
    object_id: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")


class Mark(Base):
    """How far a file or a partition of a stream has been read."""

    __tablename__ = "marks"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Refused(Base):
    """An alert or file that could not be used, or a stamp of an alert that is there."""

    __tablename__ = "refused"
    id: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[str]
    alert_id: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    origin: Mapped[str]
    at: Mapped[float]
    __table_args__ = (Index("refused_by_object", "object_id"),)
