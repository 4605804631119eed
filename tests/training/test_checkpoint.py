"""Checkpoints written, damaged in every file, and read back."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import CheckpointError, ConfigError
from lcjax.training.checkpoint import CheckpointStore, restore_variables, save_variables
from lcjax.training.checkpoint_io import flatten, nest, read_folder, unflatten_like, write_folder
from lcjax.training.workdir import read_record
from tests.training.toy import toy_fit

TREE = {
    "params": {"dense": {"kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3), "bias": np.zeros(3, np.float32)}},
    "half": np.asarray(jnp.array([0.5, -3e38], jnp.bfloat16)),
    "count": np.int32(7),
    "flag": np.array([True, False]),
    "nothing": {},
}
RECORD = {"step": 7, "progress": {"sums": {"loss": [0.1 + 0.2, 3.0]}}}


def test_round_trip_is_exact(tmp_path):
    write_folder(tmp_path / "a", TREE, RECORD)
    flat, record = read_folder(tmp_path / "a")
    assert record == RECORD
    back = unflatten_like(TREE, flat, tmp_path)
    for one, two in zip(jax.tree.leaves(TREE), jax.tree.leaves(back), strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    assert nest(flatten({"a": {"b": 1, "c": {"d": 2}}})) == {"a": {"b": 1, "c": {"d": 2}}}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "a"
    write_folder(folder, TREE, RECORD)
    return folder


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "missing"])
def test_any_damage_to_any_file_is_noticed(written, tmp_path, damage):
    files = sorted(p.relative_to(written) for p in written.rglob("*") if p.is_file())
    assert len(files) > 3
    rng = np.random.default_rng(0)
    for name in files:
        copy = tmp_path / str(name).replace("/", "_")
        shutil.copytree(written, copy)
        content = bytearray((copy / name).read_bytes())
        if damage == "missing" or not content:
            (copy / name).unlink()
        else:
            if damage == "flip":
                content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
            (copy / name).write_bytes(content[: {"truncate": len(content) // 2, "empty": 0}.get(damage)])
        with pytest.raises(CheckpointError, match=copy.name):
            read_folder(copy)


def test_every_flipped_bit_of_the_record_is_noticed(written, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    text = (copy / "progress.json").read_bytes()
    for position in range(len(text)):
        damaged = bytearray(text)
        damaged[position] ^= 1
        (copy / "progress.json").write_bytes(damaged)
        try:
            assert read_folder(copy)[1] == RECORD  # white space
        except CheckpointError:
            pass


def test_shapes_dtypes_and_names_must_fit():
    flat = flatten(TREE)
    for change in (
        {"count": np.int64(7)},
        {"flag": np.array([True])},
        {"more": np.zeros(1)},
    ):
        with pytest.raises(CheckpointError, match=next(iter(change))):
            unflatten_like(TREE, {**flat, **change}, "here")
    with pytest.raises(CheckpointError, match="another model"):
        unflatten_like(TREE, {k: v for k, v in flat.items() if k != "half"}, "here")


def test_keeps_the_newest_only(tmp_path):
    store = CheckpointStore(tmp_path, keep=2)
    for step in (1, 2, 10):
        store.save(step, {"x": np.float32(step)}, {})
    assert store.steps() == [2, 10]
    state, record = store.restore_newest({"x": jax.ShapeDtypeStruct((), jnp.float32)})
    assert state["x"] == 10 and record["step"] == 10


def test_a_failed_write_leaves_the_old_one(tmp_path, monkeypatch):
    write_folder(tmp_path / "a", {"x": np.float32(1)}, {})
    monkeypatch.setattr("lcjax.training.checkpoint_io._hashes", lambda folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_folder(tmp_path / "a", {"x": np.float32(2)}, {})
    monkeypatch.undo()
    assert read_folder(tmp_path / "a")[0]["x"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_variables_of_a_workdir(tmp_path):
    toy_fit(tmp_path, ema_decay=0.5, evaluate_every=4)
    config, best = restore_variables(tmp_path)
    assert config["system"] == "toy"
    latest, averaged = (restore_variables(tmp_path, which)[1] for which in ("latest", "ema"))
    shapes = jax.tree.map(np.shape, latest)
    assert shapes["params"]["ffn_in"]["kernel"] == (4, 8) and shapes["state"]["mean"] == (4,)
    assert jax.tree.map(np.shape, best) == shapes == jax.tree.map(np.shape, averaged)
    kernel = lambda v: v["params"]["ffn_in"]["kernel"]
    assert not np.array_equal(kernel(latest), kernel(averaged))
    # Other weights than the best are never taken for them.
    (tmp_path / "best" / "progress.json").unlink()
    with pytest.raises(CheckpointError, match=r"best weights cannot be read.*--which latest"):
        restore_variables(tmp_path)
    shutil.rmtree(tmp_path / "best")
    with pytest.raises(CheckpointError, match=r"best weights \(of step \d+\), is gone.*--which latest"):
        restore_variables(tmp_path)
    # A damaged newest checkpoint -> the one before, which is said -> an error.
    (tmp_path / "checkpoints/00000020/progress.json").unlink()
    said = []
    restore_variables(tmp_path, "latest", said.append)
    assert "progress.json" in said[0] and "falling back" in said[0]
    shutil.rmtree(tmp_path / "checkpoints")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        restore_variables(tmp_path, "latest")


def test_a_workdir_without_what_is_asked_for(tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json"):
        restore_variables(tmp_path)
    toy_fit(tmp_path, validation=False, steps=2)
    assert not (tmp_path / "best").exists()
    said = []
    assert restore_variables(tmp_path, say=said.append)[1].keys() == {"params", "state"}
    assert "no evaluation has chosen the best weights" in said[0] and "newest" in said[0]
    with pytest.raises(CheckpointError, match="ema-decay"):
        restore_variables(tmp_path, "ema")
    with pytest.raises(ConfigError, match="newest"):
        restore_variables(tmp_path, "newest")


def test_saved_variables_replace_the_old_ones(tmp_path):
    for value in (1.0, 2.0):
        save_variables(tmp_path / "best", {"params": {"x": np.float32(value)}}, {"step": int(value)})
    flat, record = read_folder(tmp_path / "best")
    assert flat["params/x"] == 2 and record["step"] == 2
    # Killed between the two renames: the old folder still answers.
    (tmp_path / "best").rename(tmp_path / ".best.replaced")
    assert read_folder(tmp_path / "best")[0]["params/x"] == 2


def test_records_nested_without_end_are_one_sentence(written, tmp_path):
    copy = shutil.copytree(written, tmp_path / "copy")
    for name, read in (("progress.json", read_folder), ("config.json", read_record)):
        (copy / name).write_text("[" * 100_000)
        with pytest.raises(CheckpointError, match=f"no readable {name}"):
            read(copy)
