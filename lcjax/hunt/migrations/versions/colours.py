"""Templates in other bands, for pictures in colour."""

import sqlalchemy as sa
from alembic import op

revision = "colours"
down_revision = "places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table; it fills as alerts in other bands come."""
    op.create_table(
        "colours",
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("pixel_scale", sa.Double(), nullable=False),
        sa.Column("world", sa.JSON(), nullable=True),
        sa.Column("pixels", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"]),
        sa.PrimaryKeyConstraint("candidate_id", "band"),
    )
