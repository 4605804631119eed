"""`lcjax predict` on alerts, Kafka topics and images."""

import errno
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.kinds.alerts.records import alert_columns, stack_stamps
from data_pipelines.kinds.reading import Reader
from data_pipelines.sources.alerts import Alert, read_alerts
from lcjax.cli.main import main
from lcjax.inference.predicting import predict_files
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import PRESETS, build_task
from lcjax.systems.classifier.service_rules import apply_rules
from lcjax.systems.delight.config import DelightModelConfig
from lcjax.systems.loading import load
from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig

COLUMNS = ("magpsf", "isdiffpos", "ra", "gal_lat", "drb")
SMALL = StampModelConfig(kernels=(4, 3), filters=(8, 8), pool_after=(2,), trunk=(8,), head=(8,))


def weights(folder, experiment):
    task = build_task(experiment)
    batch = {k: np.zeros(v.shape, v.dtype) for k, v in task.batch_spec.items()}
    variables = jax.tree.map(np.asarray, jax.jit(task.init)(jax.random.key(0), batch))
    write_weights(folder, ImportedWeights(experiment, variables, folder, None, [], []))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    inputs = StampInputsConfig(features=COLUMNS, metadata_names=("magpsf", "isdiffpos", "drb", "ra", "dec"))
    return weights(tmp_path_factory.mktemp("model") / "W", StampExperiment(inputs=inputs, model=SMALL))


def predict(model, *inputs, out, more=()):
    return main(["predict", str(model), *map(str, inputs), "--out", str(out), *more])


def write(path, *numbers, **changes):
    path.write_bytes(container([packet(n, **changes) for n in numbers]))
    return path


def test_rows_are_the_networks_answers_and_the_services(model, tmp_path, capsys):
    write(tmp_path / "a.avro", *range(5))
    write(tmp_path / "b.avro", 5, candidate={"ssdistnr": 1.5})
    write(tmp_path / "c.avro", 6, side=41)
    (tmp_path / "d.avro").write_bytes((tmp_path / "a.avro").read_bytes()[:9000])
    out = tmp_path / "out" / "F.parquet"
    assert predict(model, *sorted(tmp_path.glob("*.avro")), out=out, more=["--batch-size", "4"]) == 0
    said = capsys.readouterr()
    assert "6 alerts" in said.out and "set aside" in said.out
    table = pq.read_table(out)
    names = ["AGN", "SN", "VS", "asteroid", "bogus"]
    ruled = ["service_class", "service_rule", "service_reported"]
    assert table.schema.names == ["object_id", "alert_id", "mjd", "ra", "dec", *names, "class", *ruled]
    rows = table.to_pylist()
    assert [r["alert_id"] for r in rows] == [1000 + n for n in range(6)]
    alerts = [a for a in read_alerts(sorted(tmp_path.glob("[ab].avro"))) if isinstance(a, Alert)]
    loaded = load(model)
    columns = [alert_columns(a) for a in alerts]
    batch = {
        "stamps": np.stack([stack_stamps(a) for a in alerts]),
        "metadata": np.array([[c[n] for n in loaded.experiment.inputs.metadata_names] for c in columns], np.float32),
        **{name: np.array([getattr(a, name) for a in alerts], np.float32) for name in ("ra", "dec")},
    }
    expected = np.asarray(loaded.predict(batch)["probabilities"])
    np.testing.assert_allclose([[r[n] for n in names] for r in rows], expected, rtol=1e-5, atol=1e-6)
    assert [r["class"] for r in rows] == [names[k] for k in expected.argmax(1)]
    values = {
        n: np.array([c.get(n, np.nan) for c in columns]) for n in ("ssdistnr", "isdiffpos", "sgscore1", "distpsnr1")
    }
    service = apply_rules(expected, names, values)
    assert [r["service_rule"] for r in rows] == service.rule.tolist()
    assert rows[5]["service_class"] == "asteroid" and rows[5]["service_rule"] == "solar system"
    rejected = pq.read_table(out.with_name("F.rejected.parquet")).to_pylist()
    assert [r["reason"].split(":")[0] for r in rejected] == ["stamp size", "truncated Avro"]
    assert rejected[0]["alert_id"] == 1006 and "c.avro" in rejected[0]["origin"]
    assert sorted(p.name for p in out.parent.iterdir()) == ["F.parquet", "F.rejected.parquet"]


def test_sentences(model, tmp_path, capsys):
    good = write(tmp_path / "a.avro", 0)
    small = write(tmp_path / "small.avro", 1, side=9)
    out = tmp_path / "F.parquet"
    (tmp_path / "nothing").mkdir()
    np.save(tmp_path / "bare.npy", np.ones((2, 63, 63, 3), np.float32))
    for inputs, words in (
        ([tmp_path / "none.avro"], "none.avro"),
        ([tmp_path / "nothing"], "holds no alerts"),
        ([small], "the first: stamp size: science is 9x9"),
        ([good, "--decoders", "-1"], "0 or more"),
        ([small, "--alerts.size", "any"], "set aside"),
        ([tmp_path / "bare.npy"], "set aside"),
        ([good, "kafka://localhost:9092/a"], "the only one"),
        (["kafka://localhost:9092"], "Kafka address"),
        ([good, "--alerts.schemas", tmp_path / "none"], "no schema file"),
    ):
        assert predict(model, *inputs, out=out) == 2
        said = capsys.readouterr().err
        assert words in said and "Traceback" not in said and not out.exists()
    assert predict(model, good, out=tmp_path / "nothing") == 2 and "is a folder" in capsys.readouterr().err
    assert predict(model, good, out=out) == 0 and not (tmp_path / "F.rejected.parquet").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_prepared_shards_give_what_their_packets_give(model, tmp_path, capsys):
    packets = write(tmp_path / "a.avro", *range(6))
    prepare = ["data", "prepare", "ztf_alerts", "--source", str(packets), "--out", str(tmp_path / "D"), "--shards", "1"]
    assert main(prepare) == 0
    assert predict(model, packets, out=tmp_path / "a.parquet") == 0
    assert predict(model, tmp_path / "D", out=tmp_path / "b.parquet") == 0
    a, b = ({r["alert_id"]: r for r in pq.read_table(tmp_path / f"{n}.parquet").to_pylist()} for n in "ab")
    assert a == b and len(a) == 6
    shard = next((tmp_path / "D").rglob("*train.tfrecord*"))
    shard.write_bytes(shard.read_bytes()[:-5])
    capsys.readouterr()
    assert predict(model, tmp_path / "D", out=tmp_path / "c.parquet") == 2
    assert shard.name in capsys.readouterr().err and not (tmp_path / "c.parquet").exists()


def test_every_real_alert(data_root, tmp_path):
    source = data_root / "ztf_alerts" / "kowalski_avro"
    if not source.is_dir():
        pytest.skip(f"real alert packets are not at hand ({source})")
    experiment = PRESETS["alerce-stamps"]()
    model = weights(tmp_path / "W", StampExperiment(inputs=experiment.inputs, model=SMALL))
    assert predict(model, source, out=tmp_path / "F.parquet") == 0
    table = pq.read_table(tmp_path / "F.parquet")
    assert table.num_rows == 37
    total = sum(np.array(table[name]) for name in experiment.inputs.class_names)
    np.testing.assert_allclose(total, 1, atol=1e-5)
    assert set(table["service_rule"].to_pylist()) >= {"solar system"}


def test_a_termination_leaves_nothing_behind(tmp_path):
    class Numbers(Reader):
        def items(self, inputs):
            return ({"n": n} for n in range(3000))

    class Answers:
        unit, schema, constant_columns = "alerts", pa.schema([("n", pa.int64())]), ()

        def answer(self, items):
            yield from items
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    out = tmp_path / "F.parquet"
    with pytest.raises(SystemExit) as left:
        predict_files(Answers(), Numbers(), [], out, tmp_path / "R.parquet", Console(stderr=True))
    assert left.value.code == 128 + signal.SIGTERM and not list(tmp_path.iterdir())


def test_topic_with_a_kill_in_mid_stream(model, tmp_path, capsys, monkeypatch):
    pytest.importorskip("confluent_kafka", reason="needs confluent-kafka (extra test or kafka)")
    from tests.data_pipelines.alerts.mock_broker import QUICK, fill, mock_broker

    out = tmp_path / "F.parquet"
    kafka = ["--kafka.stop", "end", "--kafka.part-rows", "3", "--kafka.set", *QUICK]
    with mock_broker() as (brokers, producer):
        sound, poison = fill(producer, "ztf", 48)
        arguments = [str(model), f"kafka://{brokers}/ztf", "--out", str(out), *kafka]
        slow = "import lcjax.inference.streaming as a; a.POLL = 4; from lcjax.cli.main import main; import sys; "
        code = slow + "sys.exit(main(['predict', *sys.argv[1:]]))"
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=env)
        deadline = time.monotonic() + 240
        while not (out.is_dir() and any(out.glob("*.parquet"))) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert pq.read_table(out).num_rows < len(sound)
        with monkeypatch.context() as full:
            full.setattr("lcjax.inference.result_parts.os.fsync", no_space)
            assert main(["predict", *arguments]) == 2
            assert "cannot write" in capsys.readouterr().err
        assert main(["predict", *arguments]) == 0
        said = capsys.readouterr().out
        assert "written to the folder" in said and f"{len(poison)} alerts set aside" in said
        other = weights(
            tmp_path / "W2", StampExperiment(inputs=StampInputsConfig(features=(), metadata_names=()), model=SMALL)
        )
        assert main(["predict", str(other), *arguments[1:]]) == 2
        assert "another model" in capsys.readouterr().err
    table = pq.read_table(out)
    assert sorted(table["alert_id"].to_pylist()) == sound
    rejected = pq.read_table(tmp_path / "F.rejected.parquet").to_pylist()
    assert sorted((r["partition"], r["offset"]) for r in rejected) == sorted(poison)
    assert {r["topic"] for r in rejected} == {"ztf"}


def no_space(descriptor):
    raise OSError(errno.ENOSPC, "no space left")


def test_hosts_in_images_and_alerts(tmp_path):
    pytest.importorskip("sep", reason="needs sep (extra test or hosts)")
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    from astropy.wcs import WCS

    preset = PRESETS["delight"]()
    small = DelightModelConfig(filters=(4, 4, 4), hidden=8)
    model = weights(tmp_path / "W", type(preset)(image=preset.image, model=small))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [240.5, 240.5]
    wcs.wcs.cdelt = [-0.25 / 3600, 0.25 / 3600]
    y, x = np.mgrid[:480, :480]
    galaxy = 3000 * np.exp(-np.hypot(x - 260, y - 230) / 8)
    image = np.random.default_rng(0).normal(0, 10, (480, 480)) + galaxy
    folder = tmp_path / "images"
    folder.mkdir()
    fits.writeto(folder / "SN1.fits", image.astype(np.float32), wcs.to_header())
    (folder / "bad.fits").write_bytes(b"SIMPLE  = nonsense")
    assert predict(model, folder, out=tmp_path / "H.parquet") == 0
    (row,) = pq.read_table(tmp_path / "H.parquet").to_pylist()
    assert row["object_id"] == "SN1" and row["scatter"] > 0 and row["semi_major_axis"] is not None
    assert np.hypot(row["dx"], row["dy"]) == pytest.approx(row["separation"], rel=1e-4)
    assert row["ra"] == pytest.approx(150 - row["dx"] / 3600 / np.cos(np.radians(2)), abs=2e-6)
    assert row["dec"] == pytest.approx(2 + row["dy"] / 3600, abs=2e-6)
    assert pq.read_table(tmp_path / "H.rejected.parquet")["object_id"].to_pylist() == ["bad"]
    packets = write(tmp_path / "a.avro", 0, 1)
    (tmp_path / "p.csv").write_text("object_id,ra,dec\nSN1,150.001,2.0\n")
    more = ["--hosts.positions", str(tmp_path / "p.csv"), "--hosts.stamp", "science"]
    assert predict(model, packets, folder / "SN1.fits", out=tmp_path / "H.parquet", more=more) == 0
    rows = pq.read_table(tmp_path / "H.parquet").to_pylist()
    assert [r["alert_id"] for r in rows] == [1000, 1001, 0]
    assert rows[0]["ra"] is None and rows[0]["dx"] is not None
    more = ["--hosts.stamp", "science", "--alerts.ztf-orientation"]
    assert predict(model, packets, out=tmp_path / "H.parquet", more=more) == 0
    (asked, _) = pq.read_table(tmp_path / "H.parquet").to_pylist()
    assert asked["ra"] == pytest.approx(10 - asked["dx"] * 1.0124 / 3600 / np.cos(np.radians(5)), abs=1e-6)
    assert asked["dec"] == pytest.approx(-5 - asked["dy"] * 1.0124 / 3600, abs=1e-6)
    assert rows[2]["x"] != row["x"]
