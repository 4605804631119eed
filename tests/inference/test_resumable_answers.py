"""A command that was stopped goes on where its parts end; the table is the same file whatever stopped it."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.errors import ConfigError, DataError, Rejection, StorageError
from lcjax.files import unfinished_parts
from lcjax.inference import resumable_answers
from lcjax.inference.result_parts import ResultParts
from lcjax.inference.resumable_answers import ResumableAnswers

SCHEMA = pa.schema([("n", pa.int64()), ("band", pa.string()), ("vector", pa.list_(pa.float32()))])
COLUMNS = ("object_id", "reason", "origin")


def answer(n):
    """A row, a block of two rows, or a rejection."""
    if n % 7 == 3:
        return Rejection(f"star {n}", "bad: " + "x" * 400, "f")
    row = {"n": n, "band": "g", "vector": np.full(3, n, np.float32)}
    return row if n < 60 else pa.RecordBatch.from_pylist([row, row | {"n": -n}], schema=SCHEMA)


def work(folder, numbers, identity="same", stop=None, said=None):
    """Answers numbers from where an earlier run stopped; `stop`: the error that comes behind them."""
    say = (said if said is not None else []).append
    where = folder / "t.parquet", folder / "r.parquet"
    with ResumableAnswers(*where, SCHEMA, ["band"], COLUMNS, identity, say) as results:
        for n in numbers[results.done :]:
            results.add(answer(n))
        if stop:
            raise stop
    return results


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(resumable_answers, "PART_ITEMS", 10)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The tables of an undisturbed run without parts."""
    folder = tmp_path_factory.mktemp("straight")
    work(folder, range(100))
    return folder


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("stops", [(), (5,), (10,), (23, 24, 71), (100,)])
def test_the_table_is_the_same_wherever_it_was_stopped(straight, tmp_path, stops):
    for n in stops:
        with pytest.raises(KeyboardInterrupt):
            work(tmp_path, range(n), stop=KeyboardInterrupt)
        assert unfinished_parts(tmp_path / "t.parquet").exists() is (n >= 10)
        assert not (tmp_path / "t.parquet").exists()
    results = work(tmp_path, range(100))
    assert results.done == (stops[-1] // 10 * 10 if stops else 0)
    assert results.answered == 86 and results.reasons == {"bad": 14}
    assert files(tmp_path) == files(straight)
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column_names == ["n", "vector"]
    answered = [n for n in range(100) if n % 7 != 3]
    assert table["n"].to_pylist() == [m for n in answered for m in ([n] if n < 60 else [n, -n])]
    assert [len(r["reason"]) for r in pq.read_table(tmp_path / "r.parquet").to_pylist()] == [405] * 14


def test_a_second_band_in_an_early_part_keeps_the_column(tmp_path):
    say, where = [].append, (tmp_path / "t.parquet", tmp_path / "r.parquet")
    with pytest.raises(KeyboardInterrupt), ResumableAnswers(*where, SCHEMA, ["band"], COLUMNS, "a", say) as results:
        for n in range(10):
            results.add({"n": n, "band": "gr"[n == 4], "vector": np.zeros(3)})
        raise KeyboardInterrupt
    with ResumableAnswers(*where, SCHEMA, ["band"], COLUMNS, "a", say) as results:
        results.add(answer(11))
    assert pq.read_table(where[0])["band"].to_pylist() == ["r" if n == 4 else "g" for n in range(11)]


def test_parts_of_another_command_and_damaged_ones_are_dropped(straight, tmp_path):
    for spoil in ("identity", "damage"):
        with pytest.raises(KeyboardInterrupt):
            work(tmp_path, range(20), "other" if spoil == "identity" else "same", KeyboardInterrupt)
        if spoil == "damage":
            part = next(unfinished_parts(tmp_path / "t.parquet").glob("*.parquet"))
            part.write_bytes(part.read_bytes()[:50])
        said = []
        assert work(tmp_path, range(100), said=said).done == 0
        assert "left unfinished" in said[0] and files(tmp_path) == files(straight)


def test_errors_of_input_tell_what_was_set_aside(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"old")
    for n, kept in ((5, False), (30, True)):
        with pytest.raises(DataError):
            work(tmp_path, range(n), stop=DataError("broken"))
        assert pq.read_table(tmp_path / "r.parquet").num_rows == len(range(3, n, 7))
        assert unfinished_parts(tmp_path / "t.parquet").exists() is kept
        assert (tmp_path / "t.parquet").read_bytes() == b"old"


def test_no_room_keeps_what_there_is(straight, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lcjax.inference.result_parts.os.fsync", lambda d, n=iter(range(99)): next(n) > 2 and full())
        with pytest.raises(StorageError, match="cannot write"):
            work(tmp_path, range(100))
    assert 0 < work(tmp_path, range(100)).done < 100
    assert files(tmp_path) == files(straight)


@pytest.mark.parametrize("n", [8, 30])
def test_no_room_for_the_table(tmp_path, monkeypatch, n):
    """Parts stay, and what has none leaves nothing behind."""

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lcjax.inference.streamed_table.os.replace", full)
        with pytest.raises(StorageError, match="cannot write"):
            work(tmp_path, range(n))
    assert unfinished_parts(tmp_path / "t.parquet").exists() is (n == 30)
    assert len(list(tmp_path.iterdir())) == (n == 30)
    assert work(tmp_path, range(n)).done == (30 if n == 30 else 0)
    assert pq.read_table(tmp_path / "t.parquet").num_rows == n - len(range(3, n, 7))


def test_one_writer(tmp_path):
    where = tmp_path / "t.parquet", tmp_path / "r.parquet"
    with (
        pytest.raises(ConfigError, match="another command is writing"),
        ResumableAnswers(*where, SCHEMA, [], COLUMNS, "", print),
    ):
        work(tmp_path, range(3))
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="another command has written"):
        say = [].append
        with ResumableAnswers(*where, SCHEMA, [], COLUMNS, "", say) as results:
            ResultParts(results.folder, SCHEMA, "", None).write("items", 0, 0, 5, [])
            for n in range(10):
                results.add(answer(n))


def test_time_makes_parts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(resumable_answers, "PART_SECONDS", -1.0)
    with pytest.raises(KeyboardInterrupt):
        work(tmp_path, range(2), stop=KeyboardInterrupt)
    assert work(tmp_path, range(4)).done == 2


def test_killed_for_good_and_begun_again(tmp_path):
    """A real process of `lcjax predict`, killed without warning and started again: the table of an undisturbed run."""
    from tests.cli.test_predict import nested
    from tests.inference.models import experiment, light_curve, weights_folder

    weights_folder(tmp_path / "W", experiment(length=16))
    stars = [light_curve(4 + seed % 40, seed, f"s{seed}") for seed in range(400)]
    source = nested(tmp_path / "s.parquet", stars)
    code = (
        "import sys, time; import lcjax.inference.resumable_answers as r; r.PART_ITEMS = 20; "
        "write = r.ResumableAnswers._write_part; "
        "r.ResumableAnswers._write_part = lambda self: (write(self), time.sleep(float(sys.argv[1])))[0]; "
        "from lcjax.cli.main import main; sys.exit(main(sys.argv[2:]))"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"),
    }

    def start(folder, pause):
        out = tmp_path / folder / "e.parquet"
        out.parent.mkdir(exist_ok=True)
        arguments = ["predict", str(tmp_path / "W"), str(source), "--out", str(out)]
        return subprocess.Popen([sys.executable, "-c", code, str(pause), *arguments], env=environment), out

    process, whole = start("straight", 0)
    assert process.wait(300) == 0
    process, out = start("killed", 0.3)
    deadline = time.monotonic() + 240
    while len(list(unfinished_parts(out).glob("*.parquet"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not out.exists()
    process, out = start("killed", 0)
    assert process.wait(300) == 0
    assert pq.read_table(out).num_rows == 390 and files(out.parent) == files(whole.parent)
