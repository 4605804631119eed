"""Filters, order and pages against the same done in Python."""

import math

import pytest
from sqlalchemy import insert

from lcjax.errors import ConfigError
from lcjax.hunt import tables as t
from lcjax.hunt.asking import query_of
from lcjax.hunt.database import Database
from lcjax.hunt.facts import facts, separation
from lcjax.hunt.search import everything, page
from tests.hunt.nights import candidate


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """120 candidates in a database, some without a score, a star or a magnitude."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('d') / 'a.sqlite'}")
    made = []
    for n in range(120):
        row = facts(candidate(n)) | {"id": n + 1, "arrived": float(n), "entropy": None, "known": "", "decision": ""}
        row["score"] = None if n % 7 == 0 else (n % 11) / 10
        row["star_score"], row["star_distance"] = (None, None) if n % 5 == 0 else (0.9, 0.5 if n % 3 else 2.0)
        row["solar_system_distance"] = 1.0 if n % 4 == 0 else None
        row["known"] = "SN 2020a" if n % 6 == 0 else ""
        made.append(row)
    with database.write() as connection:
        connection.execute(insert(t.Candidate), made)
    yield database, made
    database.close()


@pytest.mark.parametrize("sort", ["score", "mjd", "object_id", "n_votes"])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_pages_join_to_the_whole_list(rows, sort, order):
    database, made = rows
    with database.read() as connection:
        query, found, cursor = query_of({"sort": sort, "order": order}, "ann"), [], ""
        while True:
            part = page(connection, query, 17, cursor)
            found += [row["id"] for row in part.rows]
            cursor = part.cursor
            if not cursor:
                break
    value = lambda row: row.get(sort, 0)
    with_value = sorted(
        (r for r in made if value(r) is not None), key=lambda r: (value(r), r["id"]), reverse=order == "descending"
    )
    without = [r for r in made if value(r) is None]
    assert found == [r["id"] for r in with_value + without]


@pytest.mark.parametrize(
    "words,keep",
    [
        ({"min_score": "0.4", "max_score": "0.6"}, lambda r: r["score"] is not None and 0.4 <= r["score"] <= 0.6),
        ({"min_absolute_latitude": "40"}, lambda r: abs(r["galactic_latitude"]) >= 40),
        ({"bands": "g"}, lambda r: r["band"] == "g"),
        ({"star": "no"}, lambda r: r["star_score"] is None or not (r["star_score"] > 0.5 and r["star_distance"] < 1)),
        ({"star": "yes"}, lambda r: r["star_score"] is not None and r["star_score"] > 0.5 and r["star_distance"] < 1),
        ({"solar_system": "no"}, lambda r: r["solar_system_distance"] is None),
        ({"known": "yes"}, lambda r: r["known"] != ""),
        ({"text": "ZTF0004"}, lambda r: r["object_id"].startswith("ZTF0004")),
        ({"text": "%"}, lambda r: False),
        ({"cone": "10 20 8"}, lambda r: separation(10, 20, r["ra"], r["dec"]) <= 8 * 3600),
        ({"cone": "359.5 12 15"}, lambda r: separation(359.5, 12, r["ra"], r["dec"]) <= 15 * 3600),
        ({"last_hours": "24"}, lambda r: False),
        ({"min_first_mjd": "59998.05"}, lambda r: r["mjd"] >= 60000.05),
        ({"decision": "open", "max_magnitude": "18"}, lambda r: r["magnitude"] <= 18),
    ],
)
def test_filters(rows, words, keep):
    database, made = rows
    with database.read() as connection:
        found = everything(connection, query_of(words, "ann"))
        assert page(connection, query_of(words, "ann")).total == len(found)
    assert {r["id"] for r in found} == {r["id"] for r in made if keep(r)}


@pytest.mark.parametrize(
    "words,why",
    [
        ({"sort": "password"}, "cannot be sorted by 'password'"),
        ({"min_password": "1"}, "no filter 'min_password'"),
        ({"min_score": "x"}, "no number"),
        ({"min_score": "nan"}, "no number"),
        ({"known": "maybe"}, "yes or no"),
        ({"cone": "1 2"}, "three numbers"),
        ({"cone": "1 100 1"}, "-90 to 90"),
        ({"order": "up"}, "ascending or descending"),
        ({"min_score": "0.9", "max_score": "0.1"}, "the lowest, 0.9, is above the highest, 0.1"),
        ({"last_hours": "-5"}, "-5 hours hold nothing"),
    ],
)
def test_words_that_make_no_sense(words, why):
    with pytest.raises(ConfigError, match=why):
        query_of(words, "ann")


def test_cursors_and_limits_that_make_no_sense(rows):
    database, _ = rows
    with database.read() as connection:
        for cursor in ("x", "W10=", "bnVsbA==", "WzEsMiwzXQ=="):
            with pytest.raises(ConfigError, match="cursor"):
                page(connection, query_of({}, "ann"), 10, cursor)
        for limit in (0, 501):
            with pytest.raises(ConfigError, match="impossible"):
                page(connection, query_of({}, "ann"), limit)
    assert math.isclose(separation(0.0, 0.0, 359.0, 0.0), 3600.0)
