import dataclasses
import json

import numpy as np
import pytest

from benchmarks import multiscale
from benchmarks.injected_alerts import RealAlerts, injected, read_real_alerts, split_objects
from benchmarks.multiscale_cases import CASES, stored_bytes
from benchmarks.multiscale_report import markdown, summarize
from benchmarks.multiscale_search import Part, Search, SearchSettings
from data_pipelines.datasets.alert_checks import container, packet, stamp
from data_pipelines.simulate.stamp_classes import CLASS_NAMES
from lcjax.errors import ConfigError, DataError
from tests.data_pipelines.test_stamp_simulation import field


def real_alerts():
    stamps = np.stack([field(i % 3) for i in range(20)])
    return RealAlerts(stamps, np.array([f"o{i // 2}" for i in range(20)]), np.repeat([-1, 4, 4, 1, -1], 4))


def test_no_object_is_in_two_parts():
    real = real_alerts()
    for seed in range(3):
        parts = split_objects(real, seed, (0.5, 0.25, 0.25))
        objects = [set(part.object_id) for part in parts]
        assert sum(map(len, objects)) == len(set.union(*objects)) == 10
        assert sum(len(part.stamps) for part in parts) == 20 and all(len(part.stamps) for part in parts)
        assert (parts[0].label == 4).sum() == 4, "half of the objects of every weak label"


def test_injected_classes_are_balanced_and_repeatable():
    sample = injected(real_alerts(), 2, 7, real_share=0.5)
    assert np.bincount(sample.label).tolist() == [2] * len(CLASS_NAMES)
    np.testing.assert_array_equal(sample.stamps, injected(real_alerts(), 2, 7, real_share=0.5).stamps)


def test_bytes_of_the_scenarios():
    stamps = np.nan_to_num(field(0))[None]
    sizes = {name: stored_bytes(case, stamps)["bytes"] for name, case in CASES.items()}
    assert sizes["cropped"] == sizes["low resolution"] == sizes["multiscale"] == 16 * 16 * 3 * 4
    assert sizes["full"] == 63 * 63 * 3 * 4 and sizes["rings"] == 12 + 208 * 3 * 4
    assert sizes["cropped + Fourier"] == sizes["cropped"] + 16 * 16 // 2 * 4


class FakeNetwork:
    """Weights are the number of steps taken."""

    def __init__(self, *settings):
        self.start = lambda repeat: 0
        self.update = lambda state, batch: (state + 1, {})
        self.answer = lambda state, seen: np.zeros(len(seen), int)


def test_the_best_trial_goes_on_until_checks_stop_getting_better(monkeypatch):
    settings = SearchSettings(learning_rates=(0.1, 0.2), rung=2, steps=40, check_every=2, patience=3, batch=6)
    part = Part(np.zeros((12, 1)), np.arange(12, dtype=np.int32) % 6)
    scores = iter([0.1, 0.4, 0.2, 0.3] + [0.4, 0.5, 0.5, 0.4, 0.3] + [1.0] * 20)
    monkeypatch.setattr("benchmarks.multiscale_search.macro_f1", lambda *_: next(scores))
    monkeypatch.setattr("benchmarks.multiscale_search.Network", FakeNetwork)
    _, best, trials = Search(CASES["rings"], settings).run(part, part, 0)
    first = trials[0]
    assert [t["learning_rate"] for t in trials] == [0.2, 0.1, 0.1, 0.2] and trials[1]["steps"] == 2
    assert first["pooling"] == [2] and first["validation_macro_f1"] == [0.4, 0.4, 0.5, 0.5, 0.4, 0.3]
    assert (first["best_step"], first["steps"], best) == (6, 12, 6)


@pytest.fixture
def night(tmp_path):
    """A folder of made-up packets, and a table of weak labels."""
    folder = tmp_path / "night"
    folder.mkdir()
    made = [packet(2 * i) for i in range(15)] + [packet(40, side=30)]
    (folder / "a.avro").write_bytes(container(made))
    labels = ["AGN", "SN", "", "Asteroid", "nova"] + ["AGN"] * 10
    rows = "".join(f"{1000 + 2 * i},{label}\n" for i, label in enumerate(labels))
    (folder / "index.csv").write_text(f"candid,weak_label\n{rows}")
    np.save(folder / "b.npy", np.ones((1, 63, 63, 3), np.float32))
    return folder


def test_real_alerts_are_whole_packets_with_their_weak_labels(night):
    found = read_real_alerts(night, night / "index.csv")
    assert found.stamps.shape == (15, 63, 63, 3) and found.object_id.tolist() == [f"ZTF{i}" for i in range(15)]
    names = [CLASS_NAMES[k] if k >= 0 else "" for k in found.label]
    assert names == ["agn", "sn", "", "asteroid", ""] + ["agn"] * 10
    np.testing.assert_array_equal(found.stamps[3, ..., 1], stamp(61))
    assert set(read_real_alerts(night).label) == {-1}
    (night / "a.avro").unlink()
    with pytest.raises(DataError, match="holds no ZTF alert with three 63 x 63 stamps"):
        read_real_alerts(night)


def test_real_alerts_are_read(data_root):
    folder = data_root / "ztf_alerts"
    if not folder.is_dir():
        pytest.skip(f"real alerts are not at hand ({folder})")
    found = read_real_alerts(folder / "kowalski_avro", folder / "index.csv")
    assert len(found.stamps) > 10 and (found.label >= 0).any()


def test_it_runs_from_alerts_to_a_table_and_goes_on_where_it_stopped(night, tmp_path, capsys, monkeypatch):
    small = {"filters": (4, 3, 4, 3), "dense": 5}
    monkeypatch.setitem(CASES, "rings", dataclasses.replace(CASES["rings"], poolings=((1, 2),), model=small))
    out, picture = tmp_path / "m.json", tmp_path / "m.png"
    options = ["--alerts", str(night), "--labels", str(night / "index.csv"), "--out", str(out)]
    options += ["--train-per-class", "2", "--validation-per-class", "2", "--test-per-class", "2"]
    options += ["--search.rung", "1", "--search.steps", "2", "--search.check-every", "1", "--search.batch", "4"]
    options += ["--search.learning-rates", "0.001", "--cases", "rings"]
    assert multiscale.main([*options, "--repeats", "1"]) == 0
    first = json.loads(out.read_text())
    assert multiscale.main([*options, "--repeats", "2", "--picture", str(picture)]) == 0
    assert picture.stat().st_size > 10_000
    record = json.loads(out.read_text())
    assert record["runs"][0] == first["runs"][0], "what has been run is not run again"
    assert [run["repeat"] for run in record["runs"]] == [0, 1] and record["cases"][0]["real"]["value"] >= 0
    capsys.readouterr()
    assert multiscale.main(["--report", str(out)]) == 0
    assert capsys.readouterr().out.strip() == markdown(summarize(record))
    with pytest.raises(ConfigError, match="other settings"):
        multiscale.main([*options, "--real-share", "0.5"])


def test_wrong_requests_are_said():
    with pytest.raises(ConfigError, match="--alerts"):
        multiscale.main([])
    with pytest.raises(ConfigError, match="no such case: tiny"):
        multiscale.main(["--alerts", "x", "--cases", "tiny"])
    with pytest.raises(DataError, match="cannot be read"):
        multiscale.main(["--report", "/nonexistent.json"])


def test_pairs_are_compared_within_repeats():
    truth = {"label": [0, 3], "object": ["a", "b"], "real_label": [], "real_object": []}
    run = lambda case, repeat, predicted, score: {
        "case": case,
        "repeat": repeat,
        "macro_f1": score,
        "predicted": predicted,
        "real_predicted": [],
        "parameters": 5,
        "trials": [{"pooling": [1], "learning_rate": 0.1, "steps": 4}],
        "seconds": 1.0,
    }
    runs = [run("multiscale", 0, [0, 3], 0.5), run("multiscale", 1, [0, 3], 0.9)]
    runs += [run("full", 0, [0, 3], 0.6), run("full", 1, [0, 1], 1.0), run("full", 2, [0, 3], 0.0)]
    sizes = {name: {"bytes": 1.0, "deflated": 1.0} for name in ("multiscale", "full", "rings")}
    rows = summarize({"sizes": sizes, "runs": runs, "tests": {str(k): truth for k in range(3)}})
    assert [row["case"] for row in rows] == ["multiscale", "full"]
    np.testing.assert_allclose(rows[1]["minus_multiscale"], [0.1, 0.0], atol=1e-9)
    assert rows[1]["satellites_minus_multiscale"][0] == -0.5
    assert rows[1]["satellite_as_asteroid_or_sn"]["value"] == pytest.approx(1 / 3)
    assert "+0.100 ± 0.000" in markdown(rows)
