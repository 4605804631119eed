"""Splits by star: ids at one place are one star, within a dataset and across datasets; training never sees what is held out."""

import itertools
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.light_curves.source import LightCurveSource
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.leaks import leaking_stars, say_what_it_trained_on
from data_pipelines.shards.manifest import read_manifest, verify
from data_pipelines.shards.stars import STARS, Stars, find_leaks, read_stars, same_stars
from lcjax.errors import ConfigError, DataError

ARCSEC = 1 / 3600
PLACES = np.stack([np.linspace(10, 300, 60), np.linspace(-60, 60, 60)], axis=1)


def survey(path, ids, places=None, points=8):
    n = len(ids)
    columns = {"id": ids, "label": ["ab"[i % 2] for i in range(n)]}
    if places is not None:
        columns |= {"ra": places[:, 0], "dec": places[:, 1]}
    columns |= {"time": [np.arange(points) + 50_000.0] * n, "mag": [np.arange(points) / 10] * n}
    pq.write_table(pa.table(columns | {"err": [np.full(points, 0.1)] * n}), path)
    return path


def prepared(path, out, name, **stars):
    options = {"stars": StarSettings(**stars)} if stars else {}
    return prepare("light_curve_files", [path], out, name=name, shards=2, **options)


def splits(done):
    stars = read_stars(done.manifest)
    return dict(zip(stars.ids.tolist(), stars.splits.tolist(), strict=True))


def table(ra, dec=0.0, arcsec=2.0, ids=None):
    ra = np.atleast_1d(np.asarray(ra, float))
    places = np.stack([ra, np.broadcast_to(dec, ra.shape)], axis=1)
    names = [f"{arcsec}/{i}" for i in range(len(ra))] if ids is None else ids
    return Stars(np.array(names, object), places, np.array(["train"] * len(ra), object), arcsec)


def test_what_is_one_star():
    pairs = lambda *tables: sorted(map(sorted, same_stars(tables).tolist()))
    assert pairs(table([0.0, 360 - ARCSEC, 3 * ARCSEC])) == [[0, 1]]
    assert pairs(table(10.0), table(10 + 5 * ARCSEC, arcsec=10.0)) == [[0, 1]]  # the less sharp survey decides
    assert pairs(table(10.0), table(10 + 5 * ARCSEC, dec=80.0, arcsec=10.0)) == []
    assert pairs(table([1.0], ids=["x"]), table([np.nan], ids=["x"]), table([9.0], ids=["x"])) == [[0, 1], [1, 2]]
    assert pairs(table([1.0, 1.0], arcsec=0.0)) == [] and pairs() == []


def test_ids_of_one_star_in_two_filters_share_a_split(tmp_path):
    ids = [f"{band}{i}" for i in range(60) for band in "gr"]
    path = survey(tmp_path / "s.parquet", ids, np.repeat(PLACES, 2, axis=0) + np.tile([[0, 0], [0, ARCSEC]], (60, 1)))
    done = prepared(path, tmp_path, "mine")
    found = splits(done)
    assert all(found[f"g{i}"] == found[f"r{i}"] for i in range(60)) and set(found.values()) == {
        "train",
        "validation",
        "test",
    }
    assert done.rows()["split together"].startswith("60 ids") and STARS in done.manifest.side_files
    assert find_leaks([done.manifest]).count == 0 and verify(done.manifest.folder) == []
    apart = prepared(path, tmp_path, "apart", arcsec=0.0)
    assert any(splits(apart)[f"g{i}"] != splits(apart)[f"r{i}"] for i in range(60))


def test_the_place_of_a_field_is_not_that_of_its_stars(tmp_path):
    path = survey(tmp_path / "s.parquet", [f"s{i}" for i in range(30)], np.tile(PLACES[:1], (30, 1)))
    with pytest.raises(DataError, match=r"30 of 30 ids lie within 2 arcsec .*--stars.arcsec"):
        prepared(path, tmp_path, "mine")
    assert set(splits(prepared(path, tmp_path, "mine", arcsec=0.0)).values()) == {"train", "validation", "test"}


@pytest.fixture(scope="module")
def surveys(tmp_path_factory):
    """Two surveys of the same stars under different ids, prepared apart."""
    root = tmp_path_factory.mktemp("surveys")
    one = survey(root / "1.parquet", [f"east{i}" for i in range(60)], PLACES)
    two = survey(root / "2.parquet", [f"west{i}" for i in range(60)], PLACES + np.array([0, ARCSEC]))
    return root, prepared(one, root, "east"), prepared(two, root, "west")


def test_training_leaves_out_what_another_dataset_holds_out(surveys):
    _, *done = surveys
    manifests = [d.manifest for d in done]
    leaks = find_leaks(manifests)
    east, west = map(splits, done)
    leaking = {f"{a}{i}" for i in range(60) for a, x, y in (("east", east, west), ("west", west, east))
               if x[f"{a}{i}"] == "train" and y[f"{'west' if a == 'east' else 'east'}{i}"] != "train"}  # fmt: skip
    assert set().union(*leaks.ids.values()) == leaking and leaks.count == len(leaking) > 5
    folders = [m.folder for m in manifests]
    choosing = {f"{a}{i}" for i in range(60) for a, x, y in (("east", east, west), ("west", west, east))
                if x[f"{a}{i}"] == "validation" and y[f"{'west' if a == 'east' else 'east'}{i}"] == "test"}  # fmt: skip
    without = leaking_stars(folders, "leave_out", print)
    assert without["train"] == leaks.ids and leaking_stars(folders, "keep", print) == {}
    assert set().union(*without["validation"].values()) == choosing and choosing
    validated = LightCurveSource(folders, "validation", 8, reader="plain", without=without["validation"])
    kept = [i for batch in validated.evaluation_batches() for i in batch["object_id"][batch["weight"] > 0]]
    whole = {
        i
        for batch in LightCurveSource(folders, "validation", 8, reader="plain").evaluation_batches()
        for i in batch["object_id"]
    }
    assert len(kept) == len(set(kept)) == validated.n_objects and set(kept) == whole - choosing - {""}
    with pytest.raises(DataError, match=rf"{len(leaking)} training stars are held out too .*--stars.like"):
        leaking_stars(folders, "raise", print)
    record = {"data": {"paths": [str(folders[0])], "left_out": 0}}
    common = sum(east[f"east{i}"] != "test" and west[f"west{i}"] == "test" for i in range(60))
    assert say_what_it_trained_on(record, folders[1:], "test", print) == common > 0
    assert say_what_it_trained_on(record, folders[:1], "test", print) == 0
    record = {"data": {"paths": [str(folder) for folder in folders], "left_out": leaks.count}}
    assert say_what_it_trained_on(record, folders, "test", print, best=False) == 0
    assert say_what_it_trained_on(record, folders, "test", print) == len(
        choosing
    )  # of a run that left none out of validation
    record["data"]["left_out_of_validation"] = len(choosing)
    assert say_what_it_trained_on(record, folders, "test", print) == 0
    every = LightCurveSource(folders, "train", 8, seed=1, reader="plain")
    for balance, reader in ((None, "plain"), (None, "tf.data"), ("weighted", "plain")):
        clean = LightCurveSource(folders, "train", 8, seed=1, reader=reader, without=leaks.ids, balance=balance)
        seen = {i for _, b in itertools.islice(clean.train_batches(), 60) for i in b["object_id"]}
        assert not seen & leaking and len(seen) > 40
        assert clean.n_objects == every.n_objects - len(leaking) and clean.fingerprint != every.fingerprint


@pytest.mark.parametrize("by", ["place", "match"])
def test_a_dataset_is_split_as_another_one_is(surveys, tmp_path, by):
    _, east, _ = surveys
    asked, places = {"like": (east.manifest.folder,)}, PLACES
    if by == "match":
        rows = [f"west{i},east{i}" for i in range(60)]
        (tmp_path / "m.csv").write_text("\n".join(["w,e", *rows]))
        asked, places = asked | {"match": tmp_path / "m.csv", "match_columns": ("w", "e")}, None
    path = survey(
        tmp_path / "w.parquet",
        [f"west{i}" for i in range(60)] + ["new"],
        None if places is None else np.vstack([places, [5, 5]]),
    )
    done = prepared(path, tmp_path, "west", **asked)
    found, there = splits(done), splits(east)
    assert {f"east{i}": found[f"west{i}"] for i in range(60)} == there and "new" in found
    assert find_leaks([east.manifest, done.manifest]).count == 0
    assert done.rows()["split as elsewhere"].startswith("60 ids")


def test_what_cannot_be_asked_for(surveys, tmp_path):
    _, east, west = surveys
    path = survey(tmp_path / "w.parquet", [f"x{i}" for i in range(60)], PLACES)
    (tmp_path / "m.csv").write_text("a,b\n1,2\n")
    (tmp_path / "open.csv").write_text('a,b\n"1,2\n3,4\n5,6\n')
    like = (east.manifest.folder,)
    for kind, words, asked in (
        (ConfigError, "--stars.match needs --stars.like", {"match": tmp_path / "m.csv"}),
        (
            DataError,
            "no column 'w': it has a, b",
            {"match": tmp_path / "m.csv", "match_columns": ("w", "b"), "like": like},
        ),
        (
            DataError,
            "a quotation mark in line 2 that is closed in line 4 or never",
            {"match": tmp_path / "open.csv", "match_columns": ("a", "b"), "like": like},
        ),
        (DataError, "in several splits of the datasets of --stars.like", {"like": (*like, west.manifest.folder)}),
        (ConfigError, "--stars.arcsec is -1: it must be between 0 and", {"arcsec": -1.0}),
    ):
        with pytest.raises(kind, match=words):
            prepared(path, tmp_path / "out", "x", **asked)


def test_surveys_with_common_stars(data_root, tmp_path):
    """Of the stars that are both in ASAS and in CRTS none trains in one and tests in the other."""
    import csv

    folder = data_root / "crossmatch"
    names = {"asas_acvs": "asas_acvs_dev", "crts_sss": "crts_sss_dev"}
    if not all((data_root / name / f"{file}.parquet").is_file() for name, file in names.items()) or not folder.is_dir():
        pytest.skip("the light curves of ASAS and CRTS are not at hand")
    rows = list(csv.DictReader((folder / "asas_crts_dev.csv").open()))
    manifests = []
    for (name, file), column in zip(names.items(), ("asas_id", "crts_id"), strict=True):
        ids = {row[column] for row in rows}
        table = pq.read_table(data_root / name / f"{file}.parquet")
        keep = [i for i, value in enumerate(table["id"].to_pylist()) if str(value) in ids]
        pq.write_table(table.take(keep), tmp_path / f"{name}.parquet")
        manifests.append(prepare(name, [tmp_path / f"{name}.parquet"], tmp_path / "D", shards=1).manifest)
    leaks, choosing = find_leaks(manifests), find_leaks(manifests, None, ("test",), "validation")
    assert leaks.count > 40 and choosing.count > 0  # train here, validation or test there; validation here, test there
    tables = {m.name: read_stars(m) for m in manifests}
    left = set().union(*leaks.ids.values(), *choosing.ids.values())
    split = {
        n: s for t in tables.values() for n, s in zip(t.ids.tolist(), t.splits.tolist(), strict=True) if n not in left
    }
    for row in rows:
        pair = {split.get(row["asas_id"]), split.get(row["crts_id"])} - {None}
        assert len(pair) < 2


def test_a_table_of_stars_that_has_changed_is_not_believed(surveys, tmp_path):
    """Its splits decide what may be trained on; another table, sound as a file, is told by its hash."""
    copy = shutil.copytree(surveys[1].manifest.folder, tmp_path / "copy")
    table = pq.read_table(copy / STARS)
    pq.write_table(table.slice(1), copy / STARS)
    with pytest.raises(DataError, match=f"{STARS}' has changed since it was written"):
        read_stars(read_manifest(copy))
