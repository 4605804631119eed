"""What is stored is what came; hostile stamps, repeated alerts, killed models and known objects."""

import dataclasses

import numpy as np
import pytest
from sqlalchemy import select

from lcjax.errors import ConfigError, DataError, Rejection, StorageError
from lcjax.hunt import tables as t
from lcjax.hunt.answering import classify_some, count, rank, register, unclassified
from lcjax.hunt.candidates import Cutout, Delivery, LightCurve
from lcjax.hunt.database import Database, sqlite_url
from lcjax.hunt.facts import galactic_latitude, merged, rise_rate
from lcjax.hunt.known import KnownObjects, cross_match, recheck_if_changed
from lcjax.hunt.pixels import MOST_SIDE, packed, unpacked
from lcjax.hunt.storing import load, marks, store
from tests.hunt.nights import Brightness, candidate


@pytest.fixture
def database(tmp_path):
    database = Database(sqlite_url(tmp_path / "a.sqlite"))
    yield database
    database.close()


def put(database, *arrivals, **given):
    with database.write() as connection:
        return store(connection, Delivery(arrivals, given))


def test_a_candidate_comes_out_as_it_went_in(database):
    assert put(database, candidate(3), file="1 2") == 1
    with database.read() as connection:
        found = load(connection, [1])[1]
        assert marks(connection) == {"file": "1 2"}
    given = candidate(3)
    assert dataclasses.replace(found, cutouts={}) == dataclasses.replace(given, cutouts={})
    for name, cutout in given.cutouts.items():
        np.testing.assert_array_equal(found.cutouts[name].pixels, cutout.pixels)
        assert found.cutouts[name].world == cutout.world


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((5, 5), np.nan),
        np.full((3, 4), np.inf),
        np.array([[1e300, -3.4e38], [0.0, 1.0]]),
        np.zeros((4000, 3000), np.float32),
        np.zeros((1, 5000), np.uint8),
        np.zeros((5, 5), bool),
    ],
)
def test_hostile_stamps_become_small_and_harmless(database, pixels):
    put(database, candidate(0, cutouts={"science": Cutout(pixels, float("nan"), (float("nan"),) * 8)}))
    with database.read() as connection:
        found = load(connection, [1])[1].cutouts["science"]
    assert max(found.pixels.shape) <= MOST_SIDE and found.pixel_scale == 1.0 and found.world is None
    assert not np.isinf(found.pixels).any() and np.nanmax(np.abs(found.pixels), initial=0) < 1e30


@pytest.mark.parametrize("pixels", [np.zeros(5), np.zeros((0, 3)), np.array([["a"]]), np.zeros((2, 2, 2))])
def test_what_is_no_image_is_set_aside_and_the_rest_goes_on(database, pixels):
    assert put(database, candidate(0, cutouts={"science": Cutout(pixels, 1.0)}), candidate(1)) == 1
    with database.read() as connection:
        assert "no image" in connection.execute(select(t.Refused.reason)).scalar_one()


@pytest.mark.parametrize(
    "change,why",
    [
        ({"mjd": float("nan")}, "no time or position"),
        ({"ra": 400.0}, "impossible position"),
        ({"object_id": ""}, "no name"),
        ({"alert_id": 2**70}, "impossible number"),
    ],
)
def test_alerts_the_list_cannot_hold_are_set_aside(database, change, why):
    assert put(database, candidate(0), candidate(1, **change), candidate(2)) == 2
    with database.read() as connection:
        assert why in connection.execute(select(t.Refused.reason)).scalar_one()


def test_damaged_pixels_are_told():
    row = packed(Cutout(np.ones((4, 4), np.float32), 1.0))
    for data in (b"", row["pixels"][:-3], b"x" * 30):
        with pytest.raises(DataError, match="damaged"):
            unpacked(4, 4, data)
    with pytest.raises(DataError, match="claims"):
        unpacked(100_000, 100_000, row["pixels"])


def test_of_several_alerts_the_discovery_is_shown_and_the_light_curve_is_of_all(database):
    later = candidate(1)
    earlier = candidate(
        1,
        alert_id=7,
        mjd=later.mjd - 1,
        light_curve=LightCurve({"mjd": [1.0], "band": ["g"], "magnitude": [18.0], "error": [0.1], "positive": [True]}),
    )
    register(database, [Brightness()])
    put(database, later)
    assert classify_some(database, Brightness(), "SN") == 1 and count(database, unclassified("brightness")) == 0
    assert put(database, later) == 0 and count(database, unclassified("brightness")) == 0
    assert put(database, earlier) == 0
    with database.read() as connection:
        rows = connection.execute(select(t.Candidate.alert_id, t.Candidate.n_detections)).all()
    assert rows == [(7, 3)]
    assert count(database, unclassified("brightness")) == 1  # other stamps: asked anew


def test_a_model_is_asked_only_about_what_it_was_not_asked(database):
    model = Brightness()
    register(database, [model])
    put(database, *(candidate(n) for n in range(5)), candidate(9, cutouts={}))
    assert classify_some(database, model, "SN", 4) == 4 and classify_some(database, model, "SN", 4) == 2
    assert classify_some(database, model, "SN", 4) == 0 and model.asked == 6
    with database.read() as connection:
        refused = connection.execute(select(t.Prediction.refused).where(t.Prediction.probabilities.is_(None))).scalars()
        assert "missing cutout: science" in list(refused)
        scores = select(t.Candidate.object_id, t.Candidate.score, t.Candidate.real_bogus)
        score = {row.object_id: row.score for row in connection.execute(scores)}
    assert score["ZTF00004"] > score["ZTF00000"] and score["ZTF00009"] is None
    other = Brightness("other", ("AGN", "SN"))
    for chosen in (other, model, None):  # scores are of one kind, whoever ranked before
        rank(database, chosen, "SN")
        with database.read() as connection:
            now = {row.object_id: (row.score, row.real_bogus) for row in connection.execute(scores)}
        if chosen is other:
            assert {s for s, _ in now.values()} == {None}
        elif chosen is model:
            assert {name: s for name, (s, _) in now.items()} == score
        else:
            assert all(s == real for s, real in now.values())
    changed = Brightness(class_names=("SN", "other"))
    register(database, [changed])
    assert count(database, unclassified("brightness")) == 6


def test_known_objects_and_doubles(database, tmp_path):
    tns = tmp_path / "tns.csv"
    tns.write_text(
        '"2024-10-17 00:00:00 - 23:59:59"\nobjid,name_prefix,name,ra,declination,redshift,type\n1,SN,2024abc,3.0002,13.0,0.05,SN Ia\n'
    )
    gaia = tmp_path / "g.csv"
    gaia.write_text("source_id,ra,dec\n77,5.0,15.0\n")
    known = KnownObjects([tns, gaia], 2.0)
    double = candidate(5, object_id="ZTF-other", ra=5.0002)
    put(database, candidate(3), candidate(4), candidate(5), double)
    with database.write() as connection:
        cross_match(connection, known)
        query = select(t.Candidate.known, t.Candidate.known_separation, t.Candidate.duplicate_of).order_by(
            t.Candidate.id
        )
        rows = connection.execute(query).all()
    assert rows[0].known == "SN 2024abc (SN Ia, z=0.05)" and rows[0].known_separation == pytest.approx(0.70, abs=0.01)
    assert (rows[1].known, rows[2].known, rows[3].duplicate_of) == ("", "77", "ZTF00005")
    assert known.nearest(3.01, 13.0) is None
    for other, names in ((KnownObjects([gaia], 2.0), ["", "", "77", "77"]), (None, [""] * 4)):
        with database.write() as connection:
            recheck_if_changed(connection, other)
            assert [row.known for row in connection.execute(query)] == names


@pytest.mark.parametrize(
    "text,why",
    [
        ("name,ra\na,1\n", "no column 'dec'"),
        ("name,ra,dec\na,x,1\n", "line 2"),
        ("name,ra,dec\na,1,95\n", "no degrees"),
        ("", "no column"),
    ],
)
def test_catalogues_that_cannot_be_used(tmp_path, text, why):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(DataError, match=why):
        KnownObjects([tmp_path / "c.csv"])
    with pytest.raises(DataError, match="cannot be read"):
        KnownObjects([tmp_path / "none.csv"])


def test_rejections_are_kept(database):
    put(database, Rejection("ZTF1", "stamp size: odd", "f.avro#3", 5))
    with database.read() as connection:
        row = connection.execute(select(t.Refused.__table__)).one()
    assert (row.object_id, row.alert_id, row.reason, row.origin) == ("ZTF1", 5, "stamp size: odd", "f.avro#3")


def test_databases_that_cannot_be_opened(tmp_path):
    (tmp_path / "no.sqlite").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        Database(sqlite_url(tmp_path / "no.sqlite"))
    with pytest.raises(ConfigError, match="SQLAlchemy does not know"):
        Database("nosuch://x")
    again = tmp_path / "a.sqlite"
    for _ in range(2):  # the second finds its tables
        Database(sqlite_url(again)).close()


def test_facts():
    assert galactic_latitude(192.85948, 27.12825) == pytest.approx(90)
    curve = LightCurve(
        {
            "mjd": [10.0, 8.0],
            "band": ["g", "r"],
            "magnitude": [17.0, 19.0],
            "error": [0.1, 0.1],
            "positive": [True, True],
        },
        {"mjd": [6.0, 7.0, 9.0], "band": ["r", "g", "r"], "limit": [20.0, 21.0, 20.0]},
    )
    assert rise_rate(curve) == pytest.approx(0.5)
    assert rise_rate(LightCurve()) is None and merged(curve, curve) == merged(curve, LightCurve())
    assert merged(curve, LightCurve()).detections["mjd"] == [8.0, 10.0]


def test_the_migrations_make_the_tables_of_the_code(database):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), t.Base.metadata) == []


def test_an_answer_is_not_kept_for_another_alert(database):
    """An earlier alert of the object comes while the model thinks: what it says is of the later one, and it is asked again."""
    put(database, candidate(3))
    earlier = candidate(3, alert_id=7, mjd=candidate(3).mjd - 1)

    class Slow(Brightness):
        def classify(self, candidates):
            if not self.asked:
                put(database, earlier)
            return super().classify(candidates)

    model = Slow()
    register(database, [model])
    classify_some(database, model, "SN")
    assert count(database, unclassified(model.name)) == 1
    classify_some(database, model, "SN")
    assert count(database, unclassified(model.name)) == 0 and model.asked == 2


def test_templates_in_other_bands_are_kept_for_a_picture_in_colour(database):
    """The first of each band, never the band that is shown, whatever alert is shown in the end."""
    g, day = candidate(1), candidate(1).mjd
    white = {"template": Cutout(np.ones((2, 3), np.float32), 1.0)}
    put(database, g, candidate(1, alert_id=5, mjd=day + 1, cutouts=white))
    put(database, *(candidate(1, alert_id=6 + n, mjd=day + n, band="r", cutouts=white) for n in (1, 2)))
    colours = lambda: {row.band: (row.height, row.width) for row in rows(database, t.Colour)}
    assert g.band == "g" and colours() == {"r": (2, 3)}
    put(database, candidate(1, alert_id=9, mjd=day - 1, band="r"))
    assert colours() == {"g": (21, 21)}
    np.testing.assert_array_equal(unpacked(21, 21, rows(database, t.Colour)[0].pixels), g.cutouts["template"].pixels)
    put(
        database, candidate(1, alert_id=10, mjd=day + 3, band="x" * 99), candidate(1, alert_id=11, mjd=day + 4, band="")
    )
    assert colours() == {"g": (21, 21)}


def rows(database, table):
    with database.read() as connection:
        return connection.execute(select(table.__table__)).all()


def test_two_servers_on_one_database_answer_once(database):
    put(database, candidate(3), candidate(4))

    class Overtaken(Brightness):
        def classify(self, candidates):
            if not self.asked:
                classify_some(database, Brightness(), "SN", size=1)
            return super().classify(candidates)

    model = Overtaken()
    register(database, [model])
    classify_some(database, model, "SN")
    assert len(rows(database, t.Prediction)) == 2 and count(database, unclassified(model.name)) == 0


def test_a_database_of_a_later_version_is_refused(tmp_path):
    url = sqlite_url(tmp_path / "later.sqlite")
    later = Database(url)
    with later.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'of_next_year'")
    later.close()
    with pytest.raises(StorageError, match="a later lcjax"):
        Database(url)
