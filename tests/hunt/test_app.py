"""The whole app by requests: list, candidate, stamps, votes, undo, notes, exports."""

import csv
import datetime
import io
import json
import time

import numpy as np
import pytest

from lcjax.errors import Rejection
from lcjax.hunt import app, explanation, exports, fields, links, routes, tables, votes
from lcjax.hunt.candidates import STAMP_LOST, Delivery
from lcjax.hunt.migrations.versions import colours, first, places
from lcjax.hunt.routes import candidates, doors, exporting, voting
from lcjax.hunt.storing import store
from tests.hunt.nights import candidate, make_night, new_key

ROOMS = (
    app,
    explanation,
    exports,
    votes,
    fields,
    links,
    routes,
    tables,
    colours,
    first,
    places,
    candidates,
    doors,
    exporting,
    voting,
)


def test_the_list_is_ranked_by_the_model_and_paged(night, enter):
    ann = enter(night)
    first_page = ann.get("/api/candidates?limit=15").json()
    rows, cursor = first_page["rows"], first_page["cursor"]
    assert first_page["total"] == 40
    while cursor:
        page = ann.get(f"/api/candidates?limit=15&cursor={cursor}").json()
        assert page["total"] is None
        rows, cursor = rows + page["rows"], page["cursor"]
    assert len({row["id"] for row in rows}) == 40
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.9
    assert {row["object_id"][-1] for row in rows[:4]} == {"9"}  # the brightest


def test_a_candidate_says_everything(night, enter):
    ann = enter(night)
    row = next(r for r in ann.get("/api/candidates").json()["rows"] if r["object_id"] == "ZTF00019")
    d = ann.get(f"/api/candidates/{row['id']}").json()
    prediction = d["predictions"][0]
    assert sum(prediction["probabilities"]) == pytest.approx(1) and prediction["class_names"][1] == "SN"
    p = np.array(prediction["probabilities"])
    assert prediction["entropy"] == pytest.approx(-(p * np.log(p)).sum())
    assert d["hosts"][0]["answer"]["separation"] == 2.0 and d["host_separation"] == 2.0
    assert [s["name"] for s in d["stamps"]] == ["science", "template", "difference"]
    assert next(f for f in d["fields"] if f["name"] == "fwhm") == {
        "name": "fwhm",
        "value": 2.0,
        "unit": "pixel",
        "meaning": "full width at half maximum, Gaussian core",
    }
    assert d["rise_rate"] == pytest.approx((20.5 - 19.5) / 2)
    assert "alerce.online/object/ZTF00019" in d["links"][0]["address"]
    raw = np.frombuffer(ann.get(f"/api/candidates/{row['id']}/stamps").content, "<f4").reshape(3, 21, 21)
    given = candidate(19).cutouts
    np.testing.assert_array_equal(raw, [given[n].pixels for n in ("science", "template", "difference")])
    assert ann.get("/api/candidates/9999").status_code == 404
    assert d["rise_rate_error"] == pytest.approx(0.05) and d["lost_stamps"] == [] and "x" not in d
    lost = Rejection("ZTF00019", f"{STAMP_LOST}: wrong checksum (template)", "a.avro#1", 2**60 + 19)
    with night.database.write() as connection:
        store(connection, Delivery([lost, lost, Rejection("ZTF00019", "other", "b.avro", 2**60 + 19)]))
    assert ann.get(f"/api/candidates/{row['id']}").json()["lost_stamps"] == [lost.reason]


def test_the_log_of_an_object_a_user_and_a_day(night, enter):
    ann, bob = enter(night, "ann"), enter(night, "bob")
    for user, number in ((ann, 1), (ann, 2), (bob, 1)):
        user.post(f"/api/candidates/{number}/vote", {"label": "SN", "key": new_key()})
    lines = lambda words: [
        (r["user"], r["object_id"]) for r in ann.get(f"/api/audit?{words}").json()["rows"] if r["action"] == "vote"
    ]
    today = datetime.datetime.now(datetime.UTC).date()
    assert lines("object=ZTF00000") == [("bob", "ZTF00000"), ("ann", "ZTF00000")]
    assert lines(f"user=ann&day={today}") == [("ann", "ZTF00001"), ("ann", "ZTF00000")]
    assert lines(f"day={today - datetime.timedelta(days=2)}") == []


def test_votes_undo_and_agreement(night, enter):
    ann, bob = enter(night, "ann"), enter(night, "bob")
    one, two = (row["id"] for row in ann.get("/api/candidates").json()["rows"][:2])
    key = new_key()
    for _ in range(2):  # a page that was cut off sends it again
        state = ann.post(f"/api/candidates/{one}/vote", {"label": "SN", "key": key}).json()
    assert state["decision"] == "SN" and state["n_votes"] == 1 and state["agreed"]
    state = bob.post(f"/api/candidates/{one}/vote", {"label": "BOGUS", "key": new_key()}).json()
    assert state["decision"] == "" and not state["agreed"]
    assert [r["id"] for r in ann.get("/api/candidates?decision=disputed").json()["rows"]] == [one]
    bob.post(f"/api/candidates/{one}/vote", {"label": "SN", "key": new_key()})
    for user in (ann, bob):
        user.post(f"/api/candidates/{two}/vote", {"label": "bogus", "key": new_key()})
    found = ann.get("/api/agreement").json()
    assert found["alpha"] == 1.0 and found["items"] == 2 and found["labels"] == {"SN": 2, "bogus": 2}
    assert ann.post("/api/undo", {"key": new_key()}).json()["state"]["id"] == two
    undone = ann.post("/api/undo", {"key": new_key()}).json()["state"]
    assert undone["id"] == one and [v["user"] for v in undone["votes"]] == ["bob"]
    assert ann.post("/api/undo", {"key": new_key()}).json()["state"] is None
    assert len(ann.get("/api/candidates?unseen=yes").json()["rows"]) == 40
    assert len(bob.get("/api/candidates?unseen=yes").json()["rows"]) == 38
    actions = [r["action"] for r in ann.get("/api/audit").json()["rows"]]
    assert actions[:2] == ["undo", "undo"] and actions.count("vote") == 5
    assert ann.post(f"/api/candidates/{one}/vote", {"label": "unicorn", "key": new_key()}).status_code == 400


def test_notes_and_tags(night, enter):
    ann = enter(night)
    one = ann.get("/api/candidates").json()["rows"][0]["id"]
    key = new_key()
    for _ in range(2):
        state = ann.post(f"/api/candidates/{one}/notes", {"text": "=HYPERLINK(1) <b>", "key": key}).json()
    assert [n["text"] for n in state["notes"]] == ["=HYPERLINK(1) <b>"]
    assert ann.post(f"/api/candidates/{one}/tags", {"tag": "Follow-Up", "there": True}).json()["tags"] == ["follow-up"]
    assert [r["id"] for r in ann.get("/api/candidates?tag=follow-up").json()["rows"]] == [one]
    assert ann.post(f"/api/candidates/{one}/tags", {"tag": "follow-up", "there": False}).json()["tags"] == []
    assert ann.post(f"/api/candidates/{one}/tags", {"tag": "a b", "there": True}).status_code == 400
    assert ann.post(f"/api/candidates/{one}/notes", {"text": "x" * 5000, "key": new_key()}).status_code == 422


def test_exports(night, enter):
    ann = enter(night)
    rows = ann.get("/api/candidates").json()["rows"]
    ann.post(f"/api/candidates/{rows[0]['id']}/vote", {"label": "SN", "key": new_key()})
    ann.post(f"/api/candidates/{rows[1]['id']}/vote", {"label": "bogus", "key": new_key()})
    ann.post(f"/api/candidates/{rows[0]['id']}/notes", {"text": "=1+1", "key": new_key()})
    table = list(csv.DictReader(io.StringIO(ann.get("/api/export/csv?min_score=0.5").text)))
    assert len(table) == sum(r["score"] >= 0.5 for r in rows) and 0 < len(table) < 40
    assert table[0]["vote_ann"] == "SN" and float(table[0]["p_brightness_SN"]) == pytest.approx(rows[0]["score"])
    assert table[0]["notes"] == "ann: =1+1" and table[0]["alert_id"] == str(rows[0]["alert_id"])
    whole = json.loads(ann.get("/api/export/json").text)["candidates"]
    assert len(whole) == 40 and whole[0]["votes"] == {"ann": "SN"} and isinstance(whole[0]["alert_id"], str)
    labels = list(csv.DictReader(io.StringIO(ann.get("/api/export/labels").text)))
    assert [(r["object_id"], r["label"]) for r in labels] == [
        (rows[0]["object_id"], "SN"),
        (rows[1]["object_id"], "bogus"),
    ]
    refused = ann.get("/api/export/tns")
    assert refused.status_code == 400 and "--tns-group-id" in refused.json()["error"]


def test_explanations_show_where_the_model_looks(night, enter):
    ann = enter(night)
    one = ann.get("/api/candidates").json()["rows"][0]["id"]
    found = ann.get(f"/api/candidates/{one}/explanation?model=brightness&label=SN").json()
    weights = np.array(found["map"])
    assert weights.shape == (13, 13) and np.unravel_index(weights.argmax(), (13, 13)) == (6, 6)
    assert weights[0, 0] == pytest.approx(0, abs=0.05)
    none = ann.get(f"/api/candidates/{one}/explanation?model=brightness&label=SN&stamp=template").json()
    assert np.abs(none["map"]).max() < 1e-6
    for wrong in ("model=x&label=SN", "model=brightness&label=SN&stamp=x", "model=brightness&label=SN&method=gradient"):
        assert ann.get(f"/api/candidates/{one}/explanation?{wrong}").status_code == 400


def test_progress_and_alerts_that_come_later(night, enter):
    ann = enter(night)
    before = ann.get("/api/progress").json()
    assert before["candidates"] == 40 and before["classify"] == 0 and before["ready"]
    night.background.feed.arrivals.append(candidate(77))
    night.background.changed()
    for _ in range(100):
        now = ann.get("/api/progress").json()
        if now["candidates"] == 41 and not now["classify"]:
            break
        time.sleep(0.1)
    assert now["candidates"] == 41 and now["revision"] != before["revision"]
    assert len(ann.get("/api/sky").json()["rows"]) == 41


def test_a_second_model_is_shown_beside_the_first(tmp_path, enter):
    from tests.hunt.nights import Brightness

    models = [Brightness("one"), Brightness("two", ("sn", "other"))]
    night = make_night(tmp_path, [candidate(n) for n in range(3)], models=models)
    ann = enter(night)
    row = ann.get("/api/candidates").json()["rows"][0]
    predictions = ann.get(f"/api/candidates/{row['id']}").json()["predictions"]
    assert [p["model"] for p in predictions] == ["one", "two"]
    assert row["score"] == predictions[0]["probabilities"][1]
    night.background.stop()
    night.database.close()


def test_what_the_database_refuses_is_said_and_may_be_sent_again(night, enter):
    ann = enter(night)
    with night.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE votes RENAME TO gone")
    answer = ann.post("/api/candidates/1/vote", {"label": "SN", "key": new_key()})
    assert (
        answer.status_code == 503 and "the database does not take it (no such table: votes)" in answer.json()["error"]
    )


def test_a_candidate_in_two_bands_comes_with_both_templates(night, enter):
    ann = enter(night)
    with night.database.write() as connection:
        store(connection, Delivery([candidate(7, alert_id=1, mjd=candidate(7).mjd + 1, band="r")]))
    number = next(r["id"] for r in ann.get("/api/candidates").json()["rows"] if r["object_id"] == "ZTF00007")
    d = ann.get(f"/api/candidates/{number}").json()
    assert d["band"] == "g" and [c["band"] for c in d["colours"]] == ["r"] and "ztf-avro-alert" in d["schema"]
    pixels = np.frombuffer(ann.get(f"/api/candidates/{number}/stamps").content, "<f4").reshape(4, 21, 21)
    np.testing.assert_array_equal(pixels[3], candidate(7).cutouts["template"].pixels)
