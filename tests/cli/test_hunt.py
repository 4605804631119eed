"""`lcjax hunt` from the command line: real packets in, ranked candidates out; what is refused."""

import dataclasses
import time
import types
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the triage page needs the extra hunt")

from data_pipelines import arrivals
from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.kinds.alerts.candidates import CandidateEntries, candidate_field, stamp_of
from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.host_fields.options import HostOptions
from data_pipelines.simulate.night_batches import SimulatedBatches
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, read_alerts
from data_pipelines.sources.alerts.kafka_settings import KafkaSettings
from lcjax.cli.hunt import open_night
from lcjax.cli.main import main
from lcjax.errors import ConfigError, Rejection
from lcjax.hunt import entering, search, serving
from lcjax.hunt.candidates import STAMP_LOST
from lcjax.hunt.demonstration import demonstration_model
from lcjax.hunt.feeds import AlertFeed, candidate_of
from lcjax.hunt.models import DelightFinder, StampClassifier
from lcjax.hunt.settings import HuntOptions
from lcjax.systems.loading import load
from tests.cli.test_predict_alerts import SMALL, weights

CHOSEN = {"alerts": AlertOptions(), "kafka": KafkaSettings(), "hosts": HostOptions()}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig

    inputs = StampInputsConfig(features=("drb", "ra"), metadata_names=("drb", "ra", "dec"))
    return weights(tmp_path_factory.mktemp("model") / "W", StampExperiment(inputs=inputs, model=SMALL))


def old(path: Path) -> Path:
    """Changed long ago: at rest."""
    import os

    os.utime(path, (time.time() - 60,) * 2)
    return path


def write(path, *numbers, **changes):
    path.write_bytes(container([packet(n, **changes) for n in numbers]))
    return old(path)


def rows(night):
    with night.database.read() as connection:
        return search.everything(connection, search.Query())


def test_a_watched_folder_is_classified_as_lcjax_predict_does(model, tmp_path):
    folder = tmp_path / "alerts"
    folder.mkdir()
    write(folder / "a.avro", 0, 2, 4)
    write(folder / "b.avro", 6, side=41)
    old((folder / "c.avro").write_bytes(b"Obj\x01 damaged") and folder / "c.avro")
    options = HuntOptions(
        alerts=(str(folder),), model=(str(model),), database=str(tmp_path / "d" / "h.sqlite"), batch_size=4
    )
    said = []
    night = open_night(options, CHOSEN, said.append)
    night.background.start()
    night.background.settle()
    try:
        found = {r["object_id"]: r for r in rows(night)}
        assert set(found) == {"ZTF0", "ZTF1", "ZTF2", "ZTF3"} and found["ZTF3"]["score"] is None
        alerts = [a for a in read_alerts(folder / "a.avro") if isinstance(a, Alert)]
        loaded = load(model)
        batch = {
            "stamps": np.stack([np.stack([a.stamps[n].pixels for n in STAMP_NAMES], -1) for a in alerts]),
            "metadata": np.array([[a.number("drb"), a.ra, a.dec] for a in alerts], np.float32),
            **{n: np.array([getattr(a, n) for a in alerts], np.float32) for n in ("ra", "dec")},
        }
        expected = np.asarray(loaded.predict(batch)["probabilities"])[:, 1]
        np.testing.assert_allclose([found[a.object_id]["score"] for a in alerts], expected, rtol=1e-4)
        write(folder / "later.avro", 8)
        night.background.changed()
        deadline = time.monotonic() + 20
        while len(rows(night)) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(rows(night)) == 5
        classifier, alert = night.classifiers[0], alerts[0]
        candidate = candidate_of(alert)
        slope = classifier.gradient(candidate, 1)
        assert slope.shape == (63, 63, 3) and np.abs(slope[21:42, 21:42]).max() > 0 == np.abs(slope[:21]).max()
        assert (
            classifier.gradient(candidate_of(next(iter(read_alerts(folder / "b.avro", rules=arrivals.RULES)))), 1)
            is None
        )
    finally:
        night.background.stop()
        night.database.close()
    assert not said


def test_light_curves_have_their_units():
    alert = Alert(
        "lsst", "1", 1, 60000.0, 1.0, 2.0, "r", {"psfFlux": 3630.78, "psfFluxErr": 363.078},
        history={"mjd": np.array([59999.0]), "band": np.array(["g"]), "flux": np.array([-3630.78]), "error": np.array([36.3])},
        forced_photometry={"mjd": np.array([59998.0]), "band": np.array(["g"]), "flux": np.array([2000.0]), "error": np.array([np.nan])},
    )  # fmt: skip
    found = candidate_of(alert)
    assert found.magnitude == pytest.approx(22.5, abs=1e-4) and found.magnitude_error == pytest.approx(
        0.10857, abs=1e-4
    )
    assert found.light_curve.detections["magnitude"] == pytest.approx([22.5, 22.5], abs=1e-4)
    assert found.light_curve.detections["positive"] == [False, True]
    assert found.light_curve.forced["flux"] == [2.0] and found.light_curve.forced["error"] == [None]


def test_a_stamp_that_is_damaged_is_named_beside_its_candidate(tmp_path):
    alert = Alert("ztf", "a", 7, 60000.0, 1.0, 2.0, "g", stamp_faults={"template": "wrong checksum (template)"})
    feed = AlertFeed(arrivals.FolderAlerts([tmp_path]))
    feed._arrivals = types.SimpleNamespace(arrived=lambda marks: [arrivals.Arrived([alert], {})])
    (delivery,) = feed.deliveries({})
    there, lost = delivery.arrivals
    assert there.object_id == lost.object_id == "a" and lost.alert_id == 7
    assert lost.reason == f"{STAMP_LOST}: wrong checksum (template)"


def test_a_growing_file_is_left_alone_and_a_changed_one_read_again(tmp_path):
    feed = AlertFeed(arrivals.FolderAlerts([tmp_path]))
    (tmp_path / "growing.avro").write_bytes(container([packet(0)]))
    assert list(feed.deliveries({})) == []
    write(tmp_path / "growing.avro", 0)
    (delivery,) = feed.deliveries({})
    assert len(delivery.arrivals) == 1 and list(feed.deliveries(delivery.marks)) == []
    write(tmp_path / "growing.avro", 0, 2)
    assert [len(d.arrivals) for d in feed.deliveries(delivery.marks)] == [2] and feed.waiting() == 0


def test_a_file_that_is_gone_costs_the_others_nothing(tmp_path):
    files = [tmp_path / f"{name}.avro" for name in "abc"]
    for number, path in enumerate(files):
        write(path, number)
    source = arrivals.FolderAlerts([tmp_path])
    listed = list(source._changed({}))
    source._changed = lambda marks: [item for item in listed if marks.get(str(item[0])) != item[1]]
    files[1].unlink()
    parts = list(source.arrived({}))
    found = [one for part in parts for one in part.outcomes]
    assert [isinstance(one, Rejection) for one in found] == [False, True, False] and source.waiting() == 0
    assert {name for part in parts for name in part.marks} == {str(files[0]), str(files[2])}


def test_the_simulated_night_goes_on_where_it_was():
    feed = AlertFeed(arrivals.SimulatedAlerts(70))
    parts = list(feed.deliveries({}))
    assert [len(p.arrivals) for p in parts] == [64, 6] and parts[-1].marks == {"simulated": "70"}
    assert list(feed.deliveries(parts[-1].marks)) == []
    assert len(list(AlertFeed(arrivals.SimulatedAlerts(70, every=1e-9)).deliveries(parts[-1].marks))) == 1


def test_a_stream_goes_on_where_the_candidates_end(monkeypatch):
    """Whatever the broker remembers: what is stored counts, and is committed once it is stored."""
    from data_pipelines.sources.alerts import kafka
    from data_pipelines.sources.alerts.kafka_settings import KafkaAddress
    from tests.data_pipelines.alerts.fake_kafka import FakeKafka

    fake = FakeKafka([[container([packet(n)]) for n in range(3)] + [b"poison"], [container([packet(9)])]], {})
    monkeypatch.setattr(kafka, "_package", lambda: fake)
    feed = AlertFeed(arrivals.TopicAlerts(KafkaAddress("b", ("alerts",)), KafkaSettings(), print))
    (delivery,) = (deliveries := feed.deliveries({"kafka alerts/0": "1"})) and [next(deliveries)]
    assert not fake.committed  # nothing is stored yet
    next(deliveries, None)
    kinds = [type(one).__name__ for one in delivery.arrivals]
    assert sorted(kinds) == ["Candidate", "Candidate", "Candidate", "Rejection"]
    assert delivery.marks == {"kafka alerts/0": "4", "kafka alerts/1": "1"} and fake.committed == {0: 4, 1: 1}
    feed.close()


def test_hosts_are_given_in_pixels_of_the_stamp(model):
    class Answers:
        def answer(self, fields):
            for field in fields:
                if isinstance(field, Rejection):
                    yield field
                    continue
                row = {"x": field.x + 3, "y": field.y, "separation": 3.0, "scatter": 0.1, "ra": None, "dec": None}
                more = {"semi_major_axis": 2.0, "method": "network", "variant_x": (1.0, 2.0), "variant_y": (3.0, 4.0)}
                yield row | more

    finder = DelightFinder.__new__(DelightFinder)
    finder.cutout, finder._answers, finder._make_field = "template", Answers(), candidate_field
    (found,) = next(iter(AlertFeed(arrivals.SimulatedAlerts(1)).deliveries({}))).arrivals
    host, refused = finder.find([found, dataclasses.replace(found, cutouts={})])
    assert (host.x, host.y, host.variants) == (
        34.0,
        31.0,
        ((1.0, 3.0), (2.0, 4.0)),
    ) and refused == "missing cutout: template"
    with pytest.raises(ConfigError, match="finds no hosts"):
        DelightFinder("W", load(model), HostOptions(), candidate_field, {})


@pytest.mark.parametrize(
    "options,why",
    [
        (["--alerts", "nowhere"], "no file or folder 'nowhere'"),
        (["--model", "nowhere"], "'nowhere'"),
        (["--host", "0.0.0.0", "--count", "1"], "nobody has a password"),
        (["--tns-group-id", "3"], "both"),
        (["--known", "nowhere.csv"], "cannot be read"),
        (["--count", "0"], "impossible"),
        (["--alerts", "kafka://a:1/b", "c"], "must be the only one"),
        (["--database", "nosuch://x"], "SQLAlchemy does not know"),
        (["--tls-cert", "x.pem"], "both"),
        (["--token-file", "nowhere"], "cannot be read"),
    ],
)
def test_options_that_will_not_do(tmp_path, monkeypatch, capsys, options, why):
    monkeypatch.chdir(tmp_path)
    assert main(["hunt", *options]) == 2
    error = capsys.readouterr().err
    assert why in error and "Traceback" not in error and error.strip().count("\n") == 0


def test_the_hunted_class_is_one_of_the_models(model, tmp_path, capsys):
    options = ["--model", str(model), "--hunted", "TDE", "--database", str(tmp_path / "h.sqlite")]
    assert main(["hunt", *options]) == 2 and "one of AGN, SN, VS" in capsys.readouterr().err


def test_users_and_tokens_open_other_interfaces(tmp_path, monkeypatch, capsys):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))
    database = str(tmp_path / "h.sqlite")
    assert main(["hunt", "user", "ann", "--database", database]) == 0 and "password" in capsys.readouterr().out
    night = open_night(HuntOptions(host="0.0.0.0", database=database, count=1), CHOSEN, print)
    assert night.token == ""
    night.database.close()
    token = tmp_path / "token"
    token.write_text("short")
    with pytest.raises(ConfigError, match="too short"):
        entering.read_token(HuntOptions(token_file=token))
    token.write_text("long enough to be a token\n")
    assert entering.read_token(HuntOptions(token_file=token)) == "long enough to be a token"
    options = HuntOptions(user="a b", port=1)
    assert "name=a%20b&token=" in serving.address(
        options, open_night(HuntOptions(database=database, count=1), CHOSEN, print), 1
    )


def test_the_demonstration_learns(tmp_path):
    loaded = demonstration_model(tmp_path / "W", SimulatedBatches(64), steps=2)
    classifier = StampClassifier("demonstration", loaded, AlertOptions(), CandidateEntries, 4)
    candidates = [d for p in AlertFeed(arrivals.SimulatedAlerts(3)).deliveries({}) for d in p.arrivals]
    for answer in classifier.classify(candidates):
        assert answer.shape == (6,) and answer.sum() == pytest.approx(1, abs=1e-5)
    foreign = candidate_of(
        Alert(
            "ztf",
            "a",
            1,
            1.0,
            1.0,
            1.0,
            "g",
            {},
            {n: stamp_of(candidates[0].cutouts[n]) for n in STAMP_NAMES},
        )
    )
    assert "another survey" in classifier.classify([foreign])[0]
