"""The first tables. A later change of `lcjax.hunt.tables` is another file here; this one stays as it is."""

import sqlalchemy as sa
from alembic import op

revision = "first"
down_revision = None
branch_labels = None
depends_on = None


c = sa.Column
_SORTED = (
    "arrived",
    "dec",
    "entropy",
    "first_mjd",
    "galactic_latitude",
    "host_separation",
    "known_separation",
    "magnitude",
    "mjd",
    "n_detections",
    "n_votes",
    "object_id",
    "ra",
    "real_bogus",
    "rise_rate",
    "score",
    "solar_system_distance",
    "star_distance",
)


def upgrade() -> None:
    """Makes all tables and indexes."""
    _candidates()
    _parts()
    _people()
    _bookkeeping()


def _candidates() -> None:
    op.create_table(
        "candidates",
        c("id", sa.Integer(), nullable=False),
        c("survey", sa.String(), nullable=False),
        c("object_id", sa.String(), nullable=False),
        c("alert_id", sa.BigInteger(), nullable=False),
        c("mjd", sa.Double(), nullable=False),
        c("first_mjd", sa.Double(), nullable=False),
        c("ra", sa.Double(), nullable=False),
        c("dec", sa.Double(), nullable=False),
        c("band", sa.String(), nullable=False),
        c("magnitude", sa.Double(), nullable=True),
        c("magnitude_error", sa.Double(), nullable=True),
        c("galactic_latitude", sa.Double(), nullable=False),
        c("n_detections", sa.Integer(), nullable=False),
        c("rise_rate", sa.Double(), nullable=True),
        c("star_distance", sa.Double(), nullable=True),
        c("star_score", sa.Double(), nullable=True),
        c("solar_system_distance", sa.Double(), nullable=True),
        c("real_bogus", sa.Double(), nullable=True),
        c("score", sa.Double(), nullable=True),
        c("entropy", sa.Double(), nullable=True),
        c("top_class", sa.String(), nullable=False),
        c("host_separation", sa.Double(), nullable=True),
        c("host_scatter", sa.Double(), nullable=True),
        c("known", sa.String(), nullable=False),
        c("known_separation", sa.Double(), nullable=True),
        c("duplicate_of", sa.String(), nullable=False),
        c("checked", sa.Boolean(), nullable=False),
        c("decision", sa.String(), nullable=False),
        c("n_votes", sa.Integer(), nullable=False),
        c("agreed", sa.Boolean(), nullable=False),
        c("arrived", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("survey", "object_id"),
    )
    for name in _SORTED:
        op.create_index(f"candidates_by_{name}", "candidates", [name, "id"])
    op.create_index("candidates_by_checked", "candidates", ["checked"])
    op.create_index("candidates_by_decision", "candidates", ["decision", "score"])


def _parts() -> None:
    op.create_table(
        "details",
        c("candidate_id", sa.Integer(), nullable=False),
        c("fields", sa.JSON(), nullable=False),
        c("light_curve", sa.JSON(), nullable=False),
        c("origin", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.PrimaryKeyConstraint("candidate_id"),
    )
    op.create_table(
        "stamps",
        c("candidate_id", sa.Integer(), nullable=False),
        c("name", sa.String(), nullable=False),
        c("height", sa.Integer(), nullable=False),
        c("width", sa.Integer(), nullable=False),
        c("pixel_scale", sa.Double(), nullable=False),
        c("world", sa.JSON(), nullable=True),
        c("pixels", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.PrimaryKeyConstraint("candidate_id", "name"),
    )
    op.create_table(
        "models",
        c("name", sa.String(), nullable=False),
        c("class_names", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "predictions",
        c("candidate_id", sa.Integer(), nullable=False),
        c("model", sa.String(), nullable=False),
        c("probabilities", sa.JSON(), nullable=True),
        c("entropy", sa.Double(), nullable=True),
        c("refused", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.ForeignKeyConstraint(["model"], ["models.name"]),
        sa.PrimaryKeyConstraint("candidate_id", "model"),
    )
    op.create_table(
        "hosts",
        c("candidate_id", sa.Integer(), nullable=False),
        c("finder", sa.String(), nullable=False),
        c("cutout", sa.String(), nullable=False),
        c("answer", sa.JSON(), nullable=True),
        c("refused", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.PrimaryKeyConstraint("candidate_id", "finder"),
    )


def _people() -> None:
    op.create_table(
        "users",
        c("name", sa.String(), nullable=False),
        c("password", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "sessions",
        c("secret_hash", sa.String(), nullable=False),
        c("user", sa.String(), nullable=False),
        c("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"]),
        sa.PrimaryKeyConstraint("secret_hash"),
    )
    op.create_table(
        "votes",
        c("candidate_id", sa.Integer(), nullable=False),
        c("user", sa.String(), nullable=False),
        c("label", sa.String(), nullable=False),
        c("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.ForeignKeyConstraint(["user"], ["users.name"]),
        sa.PrimaryKeyConstraint("candidate_id", "user"),
    )
    op.create_index("votes_by_user", "votes", ["user", "candidate_id"])
    op.create_table(
        "ballots",
        c("id", sa.Integer(), nullable=False),
        c("key", sa.String(), nullable=False),
        c("candidate_id", sa.Integer(), nullable=False),
        c("user", sa.String(), nullable=False),
        c("before", sa.String(), nullable=False),
        c("after", sa.String(), nullable=False),
        c("undone", sa.Boolean(), nullable=False),
        c("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.ForeignKeyConstraint(["user"], ["users.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ballots_by_user", "ballots", ["user", "id"])
    op.create_table(
        "notes",
        c("id", sa.Integer(), nullable=False),
        c("key", sa.String(), nullable=False),
        c("candidate_id", sa.Integer(), nullable=False),
        c("user", sa.String(), nullable=False),
        c("text", sa.String(), nullable=False),
        c("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.ForeignKeyConstraint(["user"], ["users.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(op.f("ix_notes_candidate_id"), "notes", ["candidate_id"])
    op.create_table(
        "tags",
        c("candidate_id", sa.Integer(), nullable=False),
        c("tag", sa.String(), nullable=False),
        c("user", sa.String(), nullable=False),
        c("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.ForeignKeyConstraint(["user"], ["users.name"]),
        sa.PrimaryKeyConstraint("candidate_id", "tag"),
    )
    op.create_index("tags_by_tag", "tags", ["tag", "candidate_id"])


def _bookkeeping() -> None:
    op.create_table(
        "audit",
        c("id", sa.Integer(), nullable=False),
        c("at", sa.Double(), nullable=False),
        c("user", sa.String(), nullable=False),
        c("action", sa.String(), nullable=False),
        c("object_id", sa.String(), nullable=False),
        c("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "marks",
        c("name", sa.String(), nullable=False),
        c("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "refused",
        c("id", sa.Integer(), nullable=False),
        c("object_id", sa.String(), nullable=False),
        c("alert_id", sa.BigInteger(), nullable=False),
        c("reason", sa.String(), nullable=False),
        c("origin", sa.String(), nullable=False),
        c("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
