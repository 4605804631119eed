import csv
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.cli.main import main
from lcjax.inference import LightCurvePredictor
from lcjax.systems.loading import load
from tests.inference.models import experiment, light_curve, weights_folder

SIZES = (30, 8, 95, 40, 4, 61)  # the fifth star has too few points


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "W"
    weights_folder(folder, experiment(parity=True))
    return folder


@pytest.fixture(scope="module")
def stars():
    return [light_curve(n, seed, f"star {seed}") for seed, n in enumerate(SIZES)]


def nested(path, stars, **names):
    series = {"object_id": "object_id", "mjd": "mjd", "magnitude": "mag", "magnitude_error": "magerr"} | names
    columns = {column: [getattr(s, field) for s in stars] for field, column in series.items()}
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def flat_rows(stars):
    for s in stars:
        for row in zip(s.mjd, s.magnitude, s.magnitude_error, strict=True):
            yield (s.object_id, *map(float, row))


def run(model, *inputs, out, more=()):
    return main(["predict", str(model), *map(str, inputs), "--out", str(out), *more])


def test_rows_order_and_values(model, stars, tmp_path, capsys):
    assert run(model, nested(tmp_path / "s.parquet", stars), out=tmp_path / "emb.parquet") == 0
    table = pq.read_table(tmp_path / "emb.parquet")
    assert table.schema.names == ["object_id", "embedding", "n_points"]
    assert table.schema.field("embedding").type == pa.list_(pa.float32())
    sound = [s for s in stars if len(s.mjd) >= 5]
    assert table["object_id"].to_pylist() == [s.object_id for s in sound]
    assert table["n_points"].to_pylist() == [len(s.mjd) for s in sound]
    expected = [p.outputs["embedding"] for p in LightCurvePredictor.of(load(model)).predict(sound)]
    np.testing.assert_allclose(table["embedding"].to_pylist(), expected, rtol=1e-5, atol=1e-6)
    rejected = pq.read_table(tmp_path / "emb.rejected.parquet").to_pylist()
    assert [r["object_id"] for r in rejected] == ["star 4"] and "fewer than 5" in rejected[0]["reason"]
    said = capsys.readouterr()
    assert "5 light curves" in said.out and "1 light curves set aside" in said.out and "time = mjd" in said.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["emb.parquet", "emb.rejected.parquet", "s.parquet"]


def test_same_answers_from_every_format(model, stars, tmp_path):
    sound = [s for s in stars if len(s.mjd) >= 5]
    run(model, nested(tmp_path / "s.parquet", sound), out=tmp_path / "a.parquet")
    reference = pq.read_table(tmp_path / "a.parquet")
    assert not (tmp_path / "a.rejected.parquet").exists()

    rows = list(flat_rows(sound))
    names = ("id", "time", "mag", "err")
    flat = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    pq.write_table(flat, tmp_path / "flat.parquet", row_group_size=17)
    with open(tmp_path / "flat.csv", "w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    astropy = pytest.importorskip("astropy.table", reason="needs astropy (extra test or data)")
    astropy.Table(dict(zip(names, zip(*rows, strict=True), strict=True))).write(tmp_path / "flat.fits")
    for name in ("flat.parquet", "flat.csv", "flat.fits"):
        assert run(model, tmp_path / name, out=tmp_path / "b.parquet") == 0
        found = pq.read_table(tmp_path / "b.parquet")
        assert found["object_id"].to_pylist() == reference["object_id"].to_pylist()
        np.testing.assert_allclose(
            found["embedding"].to_pylist(), reference["embedding"].to_pylist(), rtol=1e-5, atol=1e-6
        )


def test_named_columns_and_several_files(model, stars, tmp_path, capsys):
    one = nested(tmp_path / "1.parquet", stars[:2], mjd="when")
    two = nested(tmp_path / "2.parquet", stars[2:4], mjd="when")
    assert run(model, one, two, out=tmp_path / "e.parquet") == 2
    assert "--columns.time" in capsys.readouterr().err and not (tmp_path / "e.parquet").exists()
    assert run(model, two, one, out=tmp_path / "e.parquet", more=["--columns.time", "when"]) == 0
    ids = pq.read_table(tmp_path / "e.parquet")["object_id"].to_pylist()
    assert ids == ["star 2", "star 3", "star 0", "star 1"]


def test_levels_and_half_precision(model, stars, tmp_path, capsys):
    source = nested(tmp_path / "s.parquet", stars[:3])
    for level, rows in (("window", 5), ("point", 133), ("layer", 3)):
        out = tmp_path / f"{level}.parquet"
        assert run(model, source, out=out, more=["--output.level", level, "--output.precision", "float16"]) == 0
        assert "3 light curves" in capsys.readouterr().out
        table = pq.read_table(out)
        assert table.num_rows == rows and "band" not in table.column_names
        vectors = [name for name in table.column_names if pa.types.is_list(table.schema.field(name).type)]
        assert vectors == (["layer_0", "layer_1", "layer_2"] if level == "layer" else ["embedding"])
        assert table.schema.field(vectors[0]).type == pa.list_(pa.float16())


def test_several_bands_have_a_column(model, stars, tmp_path):
    table = {
        "object_id": ["a", "a", "b"],
        "band": ["g", "r", "g"],
        "mjd": [s.mjd for s in stars[:3]],
        "mag": [s.magnitude for s in stars[:3]],
        "magerr": [s.magnitude_error for s in stars[:3]],
    }
    pq.write_table(pa.table(table), tmp_path / "s.parquet")
    assert run(model, tmp_path / "s.parquet", out=tmp_path / "e.parquet") == 0
    found = pq.read_table(tmp_path / "e.parquet")
    assert found.schema.names == ["object_id", "band", "embedding", "n_points"]
    assert list(zip(found["object_id"].to_pylist(), found["band"].to_pylist(), strict=True)) == [
        ("a", "g"),
        ("a", "r"),
        ("b", "g"),
    ]


def test_prepared_shards(model, stars, tmp_path, capsys):
    from data_pipelines.kinds.light_curves.columns import ColumnNames
    from data_pipelines.prepare import prepare

    many = [light_curve(10 + seed, seed, f"s{seed}") for seed in range(20)]
    source = nested(tmp_path / "s.parquet", many)
    prepare("light_curve_files", [source], tmp_path / "D", columns=ColumnNames(), shards=2)
    assert run(model, source, out=tmp_path / "a.parquet") == 0
    assert run(model, tmp_path / "D", out=tmp_path / "b.parquet") == 0
    a, b = (
        dict(zip(t["object_id"].to_pylist(), t["embedding"].to_pylist(), strict=True))
        for t in map(pq.read_table, (tmp_path / "a.parquet", tmp_path / "b.parquet"))
    )
    assert set(a) == set(b)
    for name, value in a.items():
        np.testing.assert_allclose(b[name], value, rtol=1e-3, atol=1e-4)
    shard = max((tmp_path / "D").rglob("*train.tfrecord*"), key=lambda p: p.stat().st_size)
    shard.write_bytes(shard.read_bytes()[:-5])
    assert run(model, tmp_path / "D", out=tmp_path / "c.parquet") == 2
    assert shard.name in capsys.readouterr().err and not (tmp_path / "c.parquet").exists()


def test_sentences(model, stars, tmp_path, capsys):
    good = nested(tmp_path / "s.parquet", stars[:1])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not a table")
    few = nested(tmp_path / "few.parquet", stars[4:5])
    (tmp_path / "file").write_text("x")
    out = tmp_path / "e.parquet"
    for arguments, words in (
        ([model, tmp_path / "nowhere.parquet", "--out", out], "nowhere.parquet"),
        ([tmp_path / "nomodel", good, "--out", out], "nomodel"),
        (["astromer1-mach", good, "--out", out], "did you mean"),
        ([model, tmp_path / "bad.parquet", "--out", out], "bad.parquet"),
        ([model, few, "--out", out], "set aside"),
        ([model, good, "--out", good], "also an input"),
        ([model, good, "--out", tmp_path / "file" / "e.parquet"], "cannot write"),
        ([model, good, "--out", tmp_path], "folder"),
    ):
        before = good.read_bytes()
        assert main(["predict", *map(str, arguments)]) == 2
        said = capsys.readouterr().err
        assert words in said and "Traceback" not in said
        assert good.read_bytes() == before and not out.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_file_among_good_ones_is_set_aside(model, stars, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    nested(folder / "a.parquet", stars[:2])
    (folder / "b.parquet").write_bytes(b"PAR1 not a table")
    nested(folder / "c.parquet", stars[2:4])
    assert run(model, folder, out=tmp_path / "e.parquet") == 0
    assert pq.read_table(tmp_path / "e.parquet").num_rows == 4
    assert "b.parquet" in capsys.readouterr().out


def test_no_tensorflow(model, stars, tmp_path):
    source = nested(tmp_path / "s.parquet", stars)
    code = (
        "import sys; from lcjax.cli.main import main; "
        f"assert main(['predict', {str(model)!r}, {str(source)!r}, '--out', {str(tmp_path / 'e.parquet')!r}]) == 0; "
        "assert not [m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'tensorflow_datasets')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert pq.read_table(tmp_path / "e.parquet").num_rows == 5


def test_export(model, tmp_path, capsys):
    assert main(["export", str(model), str(tmp_path / "X"), "--platforms", "cpu"]) == 0
    assert "parameters" in capsys.readouterr().out and (tmp_path / "X" / "predict.stablehlo").exists()


def test_published_weights_on_real_stars(data_root, tmp_path):
    checkpoint, stars = data_root / "astromer" / "macho_a0", data_root / "crts_sss" / "crts_sss_dev.parquet"
    if not (checkpoint.is_dir() and stars.is_file()):
        pytest.skip("the published checkpoint or CRTS light curves are not at hand")
    first = pq.ParquetFile(stars).read_row_group(0).slice(0, 12)
    pq.write_table(first, tmp_path / "crts.parquet")
    assert main(["weights", "import", "astromer1", str(checkpoint), "--out", str(tmp_path / "W1")]) == 0
    assert run(tmp_path / "W1", tmp_path / "crts.parquet", out=tmp_path / "e.parquet") == 0
    found = pq.read_table(tmp_path / "e.parquet")
    assert found["object_id"].to_pylist() == [str(x) for x in first["id"].to_pylist()]
    embedding = np.array(found["embedding"].to_pylist())
    assert embedding.shape == (12, 256) and np.isfinite(embedding).all() and embedding.std(0).max() > 0.01


def test_a_link_to_itself_is_one_sentence(model, tmp_path, capsys):
    (tmp_path / "a.csv").symlink_to(tmp_path / "a.csv")
    assert run(model, tmp_path / "a.csv", out=tmp_path / "F.parquet") == 2
    assert "no file or folder" in capsys.readouterr().err
    (tmp_path / "b.csv").write_text("id,mjd,mag,err\n" + "\n".join(f"a,{58_000 + i},15,0.1" for i in range(6)))
    (tmp_path / "F.parquet").symlink_to(tmp_path / "F.parquet")
    assert run(model, tmp_path / "b.csv", out=tmp_path / "F.parquet") == 0


def test_bands_as_one_row_on_request(model, stars, tmp_path, capsys):
    """The default stays one row a band; pooled, the same rows averaged by their points."""
    rows = [(*row, "gr"[i % 2]) for i, row in enumerate(flat_rows([stars[0], stars[2]]))]
    names = ("id", "time", "mag", "err", "band")
    pq.write_table(pa.table({n: [row[i] for row in rows] for i, n in enumerate(names)}), tmp_path / "s.parquet")
    assert run(model, tmp_path / "s.parquet", out=tmp_path / "a.parquet") == 0
    assert run(model, tmp_path / "s.parquet", out=tmp_path / "b.parquet", more=["--bands.pool"]) == 0
    assert "2 stars in" in capsys.readouterr().out
    bands, pooled = (pq.read_table(tmp_path / f"{n}.parquet").to_pylist() for n in "ab")
    assert [row["band"] for row in bands] == ["g", "r"] * 2 and len(pooled) == 2
    for star, (g, r) in zip(pooled, zip(bands[::2], bands[1::2], strict=True), strict=True):
        n = g["n_points"] + r["n_points"]
        mean = (np.array(g["embedding"]) * g["n_points"] + np.array(r["embedding"]) * r["n_points"]) / n
        np.testing.assert_allclose(star["embedding"], mean, atol=1e-4)  # published windows overlap by a few points
        assert star["n_points"] == n and star["object_id"] == g["object_id"] == r["object_id"]
    assert (
        run(model, tmp_path / "s.parquet", out=tmp_path / "c.parquet", more=["--bands.pool", "--output.level", "point"])
        == 2
    )
    assert "leave one of them out" in capsys.readouterr().err
