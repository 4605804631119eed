"""`lcjax data` on dirty files: exit codes, sentences, what is set aside, and a dataset that is whole or not there."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.cli.main import main


def stars(n=24, points=20):
    rng = np.random.default_rng(3)
    times = [np.sort(rng.uniform(52_000, 54_000, points)) for _ in range(n)]
    return {
        "id": [f"s{i:02d}" for i in range(n)],
        "label": ["EC", "MIRA"] * (n // 2),
        "time": times,
        "mag": [rng.normal(12, 0.3, points) for _ in range(n)],
        "err": [np.full(points, 0.05) for _ in range(n)],
    }


def write(path, rows):
    pq.write_table(pa.table(rows), path)
    return path


def prepare(source, out, *more):
    return main(
        ["data", "prepare", "asas_acvs", "--source", *map(str, source), "--out", str(out), "--shards", "2", *more]
    )


def test_dirty_stars_lose_no_sound_one(tmp_path, capsys):
    rows = stars()
    rows["mag"][0][3] = np.nan
    rows["err"][0][4:7] = [-1.0, 50.0, np.inf]
    rows["time"][1] = rows["time"][1][::-1] + 2_400_000.5
    rows["time"][2] = rows["time"][2].copy()
    rows["time"][2][5] = rows["time"][2][4]
    rows["mag"][3] = rows["mag"][3][:-1]
    for name in ("time", "mag", "err"):
        rows[name][4] = rows[name][4][:4]
    rows["id"][6] = rows["id"][5]
    rows["id"][7] = None
    write(tmp_path / "a.parquet", rows)
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:500])
    out = tmp_path / "D"
    assert prepare([tmp_path / "a.parquet", tmp_path / "b.parquet"], out) == 0
    printed = capsys.readouterr().out
    assert "b.parquet" in printed and "rejected" in printed
    folder = next(out.glob("asas_acvs/*"))
    rejected = pq.read_table(folder / "rejected.parquet").to_pydict()
    assert sorted(rejected["object_id"]) == ["", "s03", "s04"]
    assert all(rejected["reason"]) and all("a.parquet" in origin for origin in rejected["origin"])
    report = json.loads((folder / "cleaning.json").read_text())
    assert report["curves_kept"] == 20 and len(report["bad_files"]) == 1
    assert report["points_read"] == report["points_kept"] + sum(report["points_dropped"].values())
    assert report["mended"]["stars put together of several parts"] == 1  # two rows of s05
    assert report["points_dropped"]["error out of range"] == 2 and report["points_dropped"]["time repeated"] == 1
    assert not list(out.glob(".*"))
    assert main(["data", "verify", str(out)]) == 0
    capsys.readouterr()
    assert main(["data", "describe", str(out), "--out", str(tmp_path / "pictures")]) == 0
    assert "MIRA" in capsys.readouterr().out and list((tmp_path / "pictures").rglob("*.png"))

    before = (folder / "manifest.json").read_bytes()
    assert prepare([tmp_path / "b.parquet"], out, "--overwrite") == 2  # an older preparation survives a failed one
    assert (folder / "manifest.json").read_bytes() == before and not list(out.glob(".*"))
    shard = next(folder.glob("*train.tfrecord*"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    capsys.readouterr()
    assert main(["data", "verify", str(out)]) == 2
    assert shard.name in capsys.readouterr().err


@pytest.mark.parametrize("drop", ["id", "time", "mag", "err"])
def test_a_missing_column_is_one_sentence(tmp_path, capsys, drop):
    rows = stars()
    del rows[drop]
    assert prepare([write(tmp_path / "a.parquet", rows)], tmp_path / "D") == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1 and "--columns." in error
    assert all(name in error for name in rows)
    assert not list((tmp_path / "D").rglob("*"))


def test_unusable_sources_and_places(tmp_path, capsys):
    good = write(tmp_path / "a.parquet", stars())
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert prepare([tmp_path / "absent.parquet"], tmp_path / "D") == 2
    assert prepare([tmp_path / "empty"], tmp_path / "D") == 2
    assert prepare([write(tmp_path / "short.parquet", stars(points=3))], tmp_path / "D") == 2
    assert prepare([good], tmp_path / "file") == 2
    assert main(["data", "prepare", "asas_acv", "--out", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 5 and all(line.startswith("lcjax: ") for line in lines)
    assert "did you mean 'asas_acvs'" in lines[-1]


def test_a_full_disk_is_one_sentence(tmp_path, capsys, monkeypatch):
    import tensorflow as tf

    from data_pipelines import prepare as module

    def full(*_):
        try:
            raise tf.errors.ResourceExhaustedError(None, None, "train.tfrecord; No space left on device")
        except tf.errors.ResourceExhaustedError as error:
            raise RuntimeError("Failed to finalize") from error

    monkeypatch.setattr(module, "_build", full)
    assert prepare([write(tmp_path / "a.parquet", stars())], tmp_path / "D") == 2
    assert "No space left on device; choose another --out" in capsys.readouterr().err
    assert not list((tmp_path / "D").iterdir())


def test_shapes_of_stars_of_known_period(tmp_path, capsys):
    """Fitted into a file that a simulation takes; what cannot be fitted is counted, bad files are named."""
    rng = np.random.default_rng(1)
    rows = stars(6, 80)
    rows["period"] = [0.6, 0.7, None, 0.5, 0.4, 0.3]
    for i, period in enumerate(rows["period"]):
        phase = rows["time"][i] / (period or 1.0)
        rows["mag"][i] = 12 + 0.3 * np.cos(2 * np.pi * phase) + 0.01 * rng.normal(size=80)
    rows["time"][5], rows["mag"][5], rows["err"][5] = (rows[name][5][:20] for name in ("time", "mag", "err"))
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.parquet", rows)
    (tmp_path / "in" / "b.parquet").write_bytes(b"PAR1 no")
    out = tmp_path / "fits.parquet"
    assert main(["data", "shapes", str(tmp_path / "in"), "--out", str(out), "--harmonics", "3"]) == 0
    said = capsys.readouterr().out
    assert "4 stars" in said and "no period" in said and "b.parquet" in said
    assert sorted(set(pq.read_table(out)["object_id"].to_pylist())) == ["s00", "s01", "s03", "s04"]
    assert main(["data", "shapes", str(tmp_path / "in"), "--out", str(out), "--harmonics", "0"]) == 2
    rows["period"] = [None] * 6
    (tmp_path / "in" / "b.parquet").unlink()
    write(
        tmp_path / "in" / "a.parquet", {k: v if k != "period" else pa.array(v, pa.float64()) for k, v in rows.items()}
    )
    assert main(["data", "shapes", str(tmp_path / "in"), "--out", str(out)]) == 2
    assert "no star could be fitted" in capsys.readouterr().err
