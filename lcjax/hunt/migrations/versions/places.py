"""Places on the sky by bands of declination and unit vectors, so that a cone is found without looking at every candidate."""

import sqlalchemy as sa
from alembic import op

from lcjax.hunt.sky import sky_columns

revision = "places"
down_revision = "first"
branch_labels = None
depends_on = None

_SOME = 5000


def upgrade() -> None:
    """Adds the columns, fills them, and makes the indexes."""
    op.add_column("candidates", sa.Column("band_of_sky", sa.Integer(), nullable=False, server_default="0"))
    for name in ("x", "y", "z"):
        op.add_column("candidates", sa.Column(name, sa.Double(), nullable=False, server_default="0"))
    columns = ("id", "ra", "dec", "band_of_sky", "x", "y", "z")
    table = sa.table("candidates", *(sa.column(name) for name in columns))
    connection, last = op.get_bind(), -1
    change = table.update().where(table.c.id == sa.bindparam("number"))
    change = change.values({name: sa.bindparam(f"new_{name}") for name in columns[3:]})
    query = sa.select(table.c.id, table.c.ra, table.c.dec).order_by(table.c.id).limit(_SOME)
    while rows := connection.execute(query.where(table.c.id > last)).all():
        last = rows[-1].id
        found = [{f"new_{k}": v for k, v in sky_columns(r.ra, r.dec).items()} | {"number": r.id} for r in rows]
        connection.execute(change, found)
    op.create_index("candidates_by_place", "candidates", ["band_of_sky", "ra", "id"])
    op.create_index("refused_by_object", "refused", ["object_id"])
