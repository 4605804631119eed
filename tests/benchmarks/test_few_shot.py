"""The few-shot benchmark: which stars learn and which are scored, what a contestant must give, and that a run goes on."""

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import few_shot, few_shot_contestants, few_shot_lineup, few_shot_picture, few_shot_stars, few_shot_tasks
from benchmarks.__main__ import main as run_benchmarks
from benchmarks.few_shot_contestants import Cache, Contestant, encoder, folded, from_table, pooled
from benchmarks.few_shot_lineup import Lineup
from benchmarks.few_shot_stars import CLASSES, PARTS, Curve
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import read_manifest
from lcjax.errors import ConfigError, DataError
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.loaded import Loaded
from tests.inference.models import experiment, light_curve, untrained


def of_survey(folder, name, labels, prefix):
    """A prepared dataset: stars of class k scatter by 0.1 * 2^k."""
    rows = {column: [] for column in ("id", "time", "mag", "err", "label")}
    for i in range(18 * len(labels)):
        curve, number = light_curve(12, i), i % len(labels)
        rows["id"].append(f"{prefix}{i}")
        rows["time"].append(curve.mjd)
        rows["mag"].append(15 + 0.1 * 2**number * (curve.magnitude - 15))
        rows["err"].append(curve.magnitude_error)
        rows["label"].append(labels[number])
    pq.write_table(pa.table(rows), folder / f"{name}.parquet")
    source = [folder / f"{name}.parquet"]
    return prepare(
        "light_curve_files", source, folder / "D", name=name, shards=1, fractions=(0.6, 0.2, 0.2), seed=len(name)
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surveys")
    of_survey(folder, "asas_acvs", [*CLASSES["asas_acvs"], "ACV"], "s")
    of_survey(folder, "crts_sss", list(CLASSES["crts_sss"]), "s")  # the same ids at unknown places are the same stars
    return folder / "D"


@pytest.fixture(scope="module")
def curves(data):
    return few_shot_stars.read_curves([data], pool=8, tested=3)


def scatter(curves):
    return np.log([[np.std(curve.magnitude), 1.0] for curve in curves])


def test_no_star_learns_in_one_part_and_is_scored_in_another(curves, data):
    parts = {}
    for curve in curves:
        parts.setdefault(curve.object_id, set()).add(curve.part)
    assert all(len(found) == 1 for found in parts.values())
    splits = {
        name: {
            split: set(read_manifest(data / name / "1.0.0").index(split).object_ids())
            for split in ("train", "validation", "test")
        }
        for name in CLASSES
    }
    asas, crts = splits["asas_acvs"], splits["crts_sss"]
    leaking = asas["train"] & (crts["validation"] | crts["test"])
    assert leaking and not leaking & {c.object_id for c in curves if c.part == "train"}
    assert {"ACV"}.isdisjoint(curve.label for curve in curves)
    for survey, names in CLASSES.items():
        own = [curve for curve in curves if curve.survey == survey]
        counts = {part: [sum((c.label, c.part) == (n, part) for c in own) for n in names] for part in ("train", *PARTS)}
        assert max(counts["train"]) <= 8 and max(counts[PARTS[1]]) == 3 and min(counts[PARTS[1]]) > 0
        held = {curve.object_id for curve in own if curve.part == PARTS[1]}
        assert held <= splits[survey]["test"]
    more = few_shot_stars.read_curves([data], pool=9, tested=3)
    assert {(c.survey, c.object_id) for c in curves} <= {(c.survey, c.object_id) for c in more}


def test_windows_keep_every_point_and_the_star(curves):
    rng = np.random.default_rng(0)
    whole = dataclasses.replace(
        curves[0], mjd=np.arange(450.0), magnitude=rng.normal(size=450), magnitude_error=np.ones(450)
    )
    pieces = few_shot_stars.windows_of([whole, curves[1]])
    assert max(len(piece.mjd) for piece in pieces) <= 200 and (pieces[-1].mjd == curves[1].mjd).all()
    np.testing.assert_array_equal(np.concatenate([p.magnitude for p in pieces[:-1]]), whole.magnitude)
    assert {piece.object_id for piece in pieces[:-1]} == {whole.object_id}
    assert few_shot_stars.fingerprint([whole]) != few_shot_stars.fingerprint(
        [few_shot_stars.part_of(whole, slice(1, None))]
    )


def test_embeddings_are_asked_for_once_a_curve_and_kept(curves, tmp_path):
    asked = []

    def embed(some):
        asked.append(len(some))
        return scatter(some)

    cache, one = Cache(tmp_path), Contestant("one", embed)
    few = cache.embedding(one, curves[:5])
    all_of_them = cache.embedding(one, curves[::-1])
    assert asked == [5, len(curves) - 5]
    np.testing.assert_array_equal(all_of_them[::-1][:5], few)
    np.testing.assert_array_equal(all_of_them, scatter(curves[::-1]))
    cache.embedding(dataclasses.replace(one, identity="retrained"), curves[:2])
    assert asked[2:] == [2]
    both = Contestant("both", parts=(one, one), columns=lambda table: table[:, 1:3])
    np.testing.assert_array_equal(cache.embedding(both, curves[:5]), few[:, ::-1])
    assert both.version != Contestant("both", parts=(one, dataclasses.replace(one, identity="x"))).version
    with pytest.raises(DataError, match="must give one row for each"):
        cache.embedding(Contestant("bad", lambda some: scatter(some)[:1]), curves[:5])
    with pytest.raises(ConfigError, match="has no embedding"):
        cache.embedding(Contestant("none"), curves[:5])


def test_pooling_takes_its_columns():
    base = Contestant("base", lambda some: np.zeros((len(some), 8)))
    table = np.arange(8.0)[None]  # input, block 1, block 2, and the largest of block 2; two columns each
    taken = {kind: pooled(base, 3, kind, kind).columns(table)[0].tolist() for kind in ("last", "all", "max")}
    assert taken == {"last": [4, 5], "all": [0, 1, 2, 3, 4, 5], "max": [6, 7]}
    with pytest.raises(ConfigError, match="no pooling 'mean'"):
        pooled(base, 3, "x", "mean")


def test_pooled_layers_of_an_encoder_are_what_it_predicts():
    settings = experiment()
    loaded = Loaded(settings, *untrained(settings))
    some = [light_curve(30, 1), light_curve(90, 2)]  # one window, several
    expected = np.stack([found.outputs["embedding"] for found in LightCurvePredictor.of(loaded).predict(some)])
    base = encoder("W", loaded)
    table = base.embed(some)
    layers = settings.model.num_layers + 1
    assert table.shape == (2, (layers + 1) * settings.model.width)
    np.testing.assert_allclose(pooled(base, layers, "x", "last").columns(table), expected, atol=1e-5)
    largest = pooled(base, layers, "x", "max").columns(table)
    assert (largest >= expected).all() and largest.max() < 1e3
    shorter = few_shot_stars.part_of(
        Curve("a", "s", "l", "train", some[0].mjd, some[0].magnitude, some[0].magnitude_error), slice(0, 20)
    )
    cut = encoder("W, 20 points", loaded, lambda curve: few_shot_stars.part_of(curve, slice(0, 20)))
    whole = dataclasses.replace(
        shorter, mjd=some[0].mjd, magnitude=some[0].magnitude, magnitude_error=some[0].magnitude_error
    )
    np.testing.assert_allclose(cut.embed([whole]), base.embed([shorter]), atol=1e-6)
    with pytest.raises(ConfigError, match="does not give what its blocks make"):
        encoder("W", loaded.replace(task=dataclasses.replace(loaded.task, encode=None)))


def test_folded_curves_hold_one_cycle():
    pytest.importorskip("light_curve", reason="needs light-curve (extra test or classic)")
    rng = np.random.default_rng(0)
    mjd = 53_000 + np.sort(rng.uniform(0, 500, 300))
    magnitude = np.sin(2 * np.pi * (mjd - mjd[0]) / 0.7)
    found = folded(Curve("a", "s", "l", "train", mjd, magnitude, np.full(300, 0.1)))
    assert len(found.mjd) == 200 and np.all(np.diff(found.mjd) > 0) and found.mjd[-1] < 0.71
    np.testing.assert_allclose(found.magnitude, np.sin(2 * np.pi * found.mjd / 0.7), atol=0.2)


def test_changed_curves_lose_only_what_is_said(curves):
    curve = dataclasses.replace(
        curves[0], mjd=np.arange(250.0), magnitude=np.arange(250.0), magnitude_error=np.arange(1.0, 251)
    )
    short = few_shot_contestants.first_points(curve)
    np.testing.assert_array_equal(short.magnitude, np.arange(200.0))
    equal = few_shot_contestants.equal_errors(curve)
    assert set(equal.magnitude_error) == {0.05} and equal.magnitude is curve.magnitude
    mixed = few_shot_contestants.shuffled(curve)
    assert (mixed.mjd == curve.mjd).all() and sorted(mixed.magnitude) == sorted(curve.magnitude)
    assert (mixed.magnitude_error == mixed.magnitude + 1).all() and np.mean(mixed.magnitude == curve.magnitude) < 0.1


def test_a_table_of_embeddings_competes(curves, tmp_path):
    ids = [f"s{i}" for i in range(200)]
    pq.write_table(
        pa.table({"object_id": ids, "embedding": [[float(i)] for i in range(200)]}), tmp_path / "mine.parquet"
    )
    mine = from_table(tmp_path / "mine.parquet")
    assert mine.name == "mine" and not mine.windows
    assert mine.embed(curves[:3])[:, 0].tolist() == [float(curve.object_id[1:]) for curve in curves[:3]]
    with pytest.raises(DataError, match="no embedding of 1 stars of the benchmark, 'other'"):
        mine.embed([dataclasses.replace(curves[0], object_id="other")])
    pq.write_table(pa.table({"object_id": ["a", "a"], "embedding": [[1.0], [2.0]]}), tmp_path / "two.parquet")
    with pytest.raises(DataError, match="two different embeddings"):
        from_table(tmp_path / "two.parquet")


def test_what_the_tasks_find_in_an_embedding_that_knows_and_one_that_does_not(curves, tmp_path):
    cache, sample = Cache(tmp_path), few_shot_tasks.sample_of(curves, "asas_acvs")
    knows = Contestant("knows", lambda some: np.array([[CLASSES[c.survey].index(c.label), 0.0] for c in some]) ** 1.0)
    guesses = Contestant(
        "guesses", lambda some: np.array([[int(c.object_id[1:]) * 7919 % 101, 0.0] for c in some]) ** 1.0
    )
    for who, good in ((knows, True), (guesses, False)):
        scores = few_shot_tasks.few_shot(who, cache, sample, "nearest neighbours", 5, 2)
        assert set(scores) == set(PARTS) and all((s.value > 0.9) is good for s in scores.values())
        near = few_shot_tasks.nearest_precision(who, cache, sample, 5)
        assert (near[PARTS[1]].value > 0.4) is good
        lost = few_shot_tasks.unknown_class(who, cache, sample, 5)[PARTS[1]]
        assert set(lost) == set(CLASSES["asas_acvs"]) and (min(s.value for s in lost.values()) > 0.9) is good
    whole, pieces = sample, few_shot_tasks.windows_sample(sample)
    by_window = few_shot_tasks.few_shot_windows(knows, cache, whole, pieces, "nearest neighbours", 5, 2)
    assert by_window[PARTS[0]].value > 0.9
    own = Contestant(
        "own", classify=lambda train, label, test, classes, seed: np.eye(classes)[np.zeros(len(test), int)]
    )
    assert few_shot_tasks.few_shot(own, cache, sample, "its own", 5, 2)[PARTS[0]].value < 0.2


def test_a_network_is_trained_once_for_whole_stars_and_their_windows_and_kept(curves, tmp_path):
    long = [
        dataclasses.replace(curve, mjd=np.arange(250.0) + i, magnitude=np.zeros(250), magnitude_error=np.ones(250))
        for i, curve in enumerate(curves)
    ]
    sample = few_shot_tasks.sample_of(long, "crts_sss")
    pieces, cache, asked = few_shot_tasks.windows_sample(sample), Cache(tmp_path), []

    def classify(train, label, test, classes, seed):
        asked.append((len(train), len(test), seed))
        return np.eye(classes)[[CLASSES["crts_sss"].index(c.label) if len(c.mjd) < 200 else 0 for c in test]]

    own = Contestant("own", classify=classify)
    whole = few_shot_tasks.few_shot(own, cache, sample, "its own", 2, 2, pieces)
    windows = few_shot_tasks.few_shot_windows(own, cache, sample, pieces, "its own", 2, 2)
    tested = len(sample.tested) + len(pieces.tested)
    assert asked == [(12, tested, 0), (12, tested, 1)] and len(pieces.tested) == 2 * len(sample.tested)
    assert windows[PARTS[0]].value == 1 and whole[PARTS[0]].value < 0.2
    few_shot_tasks.few_shot(own, Cache(tmp_path), sample, "its own", 2, 3, pieces)
    few_shot_tasks.few_shot(dataclasses.replace(own, identity="x"), Cache(tmp_path), sample, "its own", 3, 1)
    assert [call[2] for call in asked[2:]] == [2, 0] and asked[3][:2] == (18, len(sample.tested))


def test_a_class_without_stars_is_no_class_that_is_never_right():
    value, label = np.array([1.0, 0.8, 0.6]), np.array([0, 0, 2])
    assert few_shot_tasks.class_mean(value, label, 3).value == pytest.approx(0.75)
    assert few_shot_tasks.class_mean(value, np.array([0, 0, 1]), 3).high <= 1


def test_transfer_learns_from_one_survey_and_scores_another(curves):
    sample = few_shot_tasks.shared_sample(curves, ("crts_sss",), "asas_acvs")
    assert {sample.curves[i].survey for i in sample.pool} == {"crts_sss"}
    assert {sample.curves[i].survey for i in sample.tested} == {"asas_acvs"}
    assert sample.class_names == ("RRab", "RRc", "contact", "detached", "long-period")
    assert all(
        few_shot_stars.SHARED[c.survey][c.label] == sample.class_names[k]
        for c, k in zip(sample.curves, sample.label, strict=True)
    )


def test_a_run_is_written_goes_on_and_never_scores_ablations_on_the_held_out_part(data, tmp_path, monkeypatch, capsys):
    asked = []

    def embed(some):
        asked.append(len(some))
        return scatter(some)

    one = Contestant("one", embed)
    two = Contestant("two", lambda some: scatter(some)[:, :1], heads=("nearest neighbours",), development=True)
    monkeypatch.setattr(few_shot, "line_up", lambda *given: Lineup((one, two), {"one": {"test": 3}}))
    out, picture = tmp_path / "a.json", tmp_path / "p.png"
    arguments = ["few-shot", "--data", str(data), "--shots", "3", "--draws", "2", "--pool", "8", "--tested", "3"]
    arguments += ["--cache", str(tmp_path / "cache"), "--out", str(out), "--picture", str(picture)]
    assert run_benchmarks(arguments) == 0
    record = json.loads(out.read_text())
    tasks = {(row["task"], row["contestant"]) for row in record["rows"]}
    assert tasks == {
        ("few_shot", "one"),
        ("windows", "one"),
        ("transfer", "one"),
        ("unknown_class", "one"),
        ("neighbours", "one"),
    } | {
        ("few_shot", "two"),
        ("windows", "two"),
    }
    assert {part for row in record["rows"] if row["contestant"] == "two" for part in row["scores"]} == {PARTS[0]}
    assert record["leaks"] == {"one": {"test": 3}} and picture.stat().st_size > 5000
    assert "held out part" in capsys.readouterr().out
    count = len(asked)
    assert (
        run_benchmarks(arguments) == 0
        and len(asked) == count
        and len(json.loads(out.read_text())["rows"]) == len(record["rows"])
    )
    with pytest.raises(ConfigError, match="is of other stars"):
        few_shot.main([*arguments[1:], "--tested", "2"])
    with pytest.raises(ConfigError, match="no contestant 'three': there are one, two"):
        few_shot.main([*arguments[1:], "--only", "three"])
    with pytest.raises(ConfigError, match="there are no stars"):
        few_shot.main([])
    more = tmp_path / "more.json"
    row = next(row for row in record["rows"] if row["task"] == "few_shot") | {"contestant": "fine-tuned"}
    more.write_text(json.dumps({"rows": [{**row, "stars": record["stars"]}]}))
    assert few_shot.main([*arguments[1:], "--more", str(more), "--drawn", "one"]) == 0
    assert "fine-tuned" in capsys.readouterr().out and "fine-tuned" not in out.read_text()
    more.write_text(json.dumps({"rows": [{**row, "stars": "others"}]}))
    with pytest.raises(ConfigError, match="export and run"):
        few_shot.main([*arguments[1:], "--more", str(more)])


def test_the_line_up_without_models_and_the_head_that_is_drawn(tmp_path):
    names = [one.name for one in few_shot_lineup.line_up((), (), (), ablations=True, networks=True).contestants]
    assert names[:3] == ["features", "features without mean magnitude", "features without period"]
    assert {"four scalars", "GRU from scratch", "transformer from scratch"} < set(names) and len(set(names)) == len(
        names
    )
    kept = few_shot_contestants.NO_BRIGHTNESS.columns(np.arange(23.0)[None])
    assert kept.shape == (1, 22) and 22 not in kept  # the mean is the last
    score = lambda value: {PARTS[0]: {"value": value}}
    rows = [
        {"head": "a", "scores": score(0.5)},
        {"head": "b", "scores": score(0.6)},
        {"head": "a", "scores": score(0.6)},
    ]
    assert few_shot_picture.best_head(rows) == "b"
