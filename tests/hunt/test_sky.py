"""Cones against separations computed one by one: at poles, across ra 0, of arcseconds and of the whole sky; and old databases."""

import numpy as np
import pytest
from sqlalchemy import insert, select, text

from lcjax.hunt import tables as t
from lcjax.hunt.database import Database, sqlite_url
from lcjax.hunt.facts import facts, separation
from lcjax.hunt.sky import in_cone
from tests.hunt.nights import candidate

PLACES = np.random.default_rng(0)
RA = np.concatenate([PLACES.uniform(0, 360, 300), [0.0, 360.0, 359.9999, 120.0, 120.0002, 5.0, 185.0]])
DEC = np.concatenate([np.degrees(np.arcsin(PLACES.uniform(-1, 1, 300))), [10.0, 10.0, 10.0, 30.0, 30.0, 90.0, -90.0]])


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database(sqlite_url(tmp_path_factory.mktemp("sky") / "a.sqlite"))
    rows = [facts(candidate(n, ra=float(a), dec=float(d))) for n, (a, d) in enumerate(zip(RA, DEC, strict=True))]
    with database.write() as connection:
        connection.execute(insert(t.Candidate), [row | {"arrived": 0.0, "id": n} for n, row in enumerate(rows)])
    yield database
    database.close()


@pytest.mark.parametrize(
    "cone",
    [
        (120.0, 30.0, 1 / 3600),
        (120.0, 30.0, 0.5 / 3600),
        (0.0, 10.0, 1.0),
        (360.0, 10.0, 1.0),
        (359.95, 10.0, 40.0),
        (77.0, 88.0, 5.0),
        (10.0, -89.9, 20.0),
        (200.0, 10.0, 100.0),
        (200.0, 10.0, 180.0),
    ],
)
def test_cones(database, cone):
    with database.read() as connection:
        found = connection.execute(select(t.Candidate.id).where(*in_cone(*cone))).scalars().all()
    assert sorted(found) == np.flatnonzero(separation(*cone[:2], RA, DEC) <= cone[2] * 3600).tolist()
    assert found


def test_a_database_of_before_is_brought_up_to_date(database, tmp_path):
    old = Database(sqlite_url(tmp_path / "old.sqlite"))
    with old.write() as connection:
        rows = [facts(candidate(n, ra=float(RA[n]), dec=float(DEC[n]))) | {"arrived": 0.0} for n in range(50)]
        connection.execute(insert(t.Candidate), rows)
        for name in ("candidates_by_place", "refused_by_object"):
            connection.execute(text(f"DROP INDEX {name}"))
        connection.execute(text("DROP TABLE colours"))
        for name in ("band_of_sky", "x", "y", "z"):
            connection.execute(text(f"ALTER TABLE candidates DROP COLUMN {name}"))
        connection.execute(text("UPDATE alembic_version SET version_num = 'first'"))
    old.close()
    new = Database(sqlite_url(tmp_path / "old.sqlite"))
    with new.read() as connection:
        found = connection.execute(select(t.Candidate.id).where(*in_cone(200.0, 10.0, 60.0))).scalars().all()
    new.close()
    assert sorted(found) == (np.flatnonzero(separation(200.0, 10.0, RA[:50], DEC[:50]) <= 60 * 3600) + 1).tolist()
