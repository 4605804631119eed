"""The first tables."""

from alembic import op

from lcjax.hunt.tables import Base

revision = "first"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes all tables and indexes."""
    Base.metadata.create_all(op.get_bind())
