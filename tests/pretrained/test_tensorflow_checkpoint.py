import shutil

import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained.tensorflow_checkpoint import read_checkpoint
from tests.pretrained.checkpoints import save


def some_arrays(seed=0, count=40):
    rng = np.random.default_rng(seed)
    arrays = {f"model/layer_{i}/kernel": rng.normal(size=(i % 5 + 1, 3)).astype(np.float32) for i in range(count)}
    arrays |= {
        "double": rng.normal(size=(2, 3, 4)),
        "scalar": np.float32(1.5),
        "steps": np.int64(7),
        "ints": rng.integers(-9, 9, 5).astype(np.int32),
        "flags": np.array([True, False, True]),
        "half": rng.normal(size=3).astype(np.float16),
        "empty": np.zeros((0, 4), np.float32),
    }
    return arrays


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.asarray(value).dtype
        np.testing.assert_array_equal(found[name], value)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    arrays = some_arrays()
    return save(tmp_path_factory.mktemp("checkpoint") / "weights", arrays), arrays


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_name_based_checkpoints(tmp_path, shards):
    arrays = some_arrays(shards, count=200)
    prefix = save(tmp_path / "model.ckpt-7", arrays, shards)
    assert_same(read_checkpoint(prefix), arrays)
    assert_same(read_checkpoint(tmp_path), arrays)


def test_object_based_checkpoint_of_tensorflow(tmp_path):
    import tensorflow as tf

    kernel = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    inner = tf.train.Checkpoint(kernel=tf.Variable(kernel), step=tf.Variable(4, dtype=tf.int64))
    whole = tf.train.Checkpoint(**{"layer_with_weights-0": inner, "name": tf.Variable("text")})
    path = whole.save(str(tmp_path / "ckpt"))
    expected = {
        "layer_with_weights-0/kernel": kernel,
        "layer_with_weights-0/step": np.int64(4),
        "save_counter": np.int64(1),
    }
    assert_same(read_checkpoint(path), expected)
    assert_same(read_checkpoint(tmp_path), expected)


def test_bfloat16(tmp_path):
    import tensorflow as tf

    value = tf.constant([1.0, -2.5], tf.bfloat16)
    tf.raw_ops.SaveV2(prefix=str(tmp_path / "b"), tensor_names=["x"], shape_and_slices=[""], tensors=[value])
    assert read_checkpoint(tmp_path)["x"].astype(np.float32).tolist() == [1.0, -2.5]


def test_newest_of_several_and_ambiguity(tmp_path):
    save(tmp_path / "a", {"x": np.float32(1)})
    save(tmp_path / "b", {"x": np.float32(2)})
    with pytest.raises(WeightsError, match="holds 2 checkpoints"):
        read_checkpoint(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/b"\nall_model_checkpoint_paths: "a"\n')
    assert read_checkpoint(tmp_path)["x"] == 2
    assert read_checkpoint(tmp_path / "a.index")["x"] == 1


def copy_of(saved, tmp_path):
    prefix, _ = saved
    for file in prefix.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    return tmp_path / prefix.name


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_any_flipped_bit_is_noticed(saved, tmp_path, ending):
    prefix = copy_of(saved, tmp_path)
    file = prefix.with_name(prefix.name + ending)
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.choice(len(whole), 150, replace=False):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        file.write_bytes(bytes(damaged))
        with pytest.raises(WeightsError, match="again") as caught:
            read_checkpoint(prefix)
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("keep", [0, 1, 47, 0.3, 0.9, -1])
def test_truncated(saved, tmp_path, ending, keep):
    prefix = copy_of(saved, tmp_path)
    file = prefix.with_name(prefix.name + ending)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(WeightsError, match=r"again"):
        read_checkpoint(prefix)


def test_missing_files(saved, tmp_path):
    prefix = copy_of(saved, tmp_path)
    prefix.with_name(prefix.name + ".data-00000-of-00001").unlink()
    with pytest.raises(WeightsError, match="data-00000-of-00001"):
        read_checkpoint(prefix)
    with pytest.raises(WeightsError, match="no checkpoint"):
        read_checkpoint(tmp_path / "nothing")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(WeightsError, match="holds no TensorFlow checkpoint"):
        read_checkpoint(empty)


def test_the_first_format_is_named(tmp_path):
    import tensorflow as tf

    tf.raw_ops.Save(filename=str(tmp_path / "model"), tensor_names=["x"], data=[tf.zeros(3)])
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model"\n')
    for path in (tmp_path, tmp_path / "model"):
        with pytest.raises(WeightsError, match="first format"):
            read_checkpoint(path)


def test_without_a_compiled_checksum(saved, monkeypatch):
    from lcjax import crc32c

    monkeypatch.setattr(crc32c, "compiled_crc32c", lambda: None)
    assert_same(read_checkpoint(saved[0]), saved[1])


def test_published_astromer_1_equals_the_recorded_arrays(data_root, golden_root):
    source, golden = data_root / "astromer" / "macho_a0", golden_root / "astromer1" / "published_macho.npz"
    if not (source.is_dir() and golden.is_file()):
        pytest.skip("the published checkpoint or its recorded arrays are not at hand")
    found = read_checkpoint(source)
    with np.load(golden) as recorded:
        expected = {k.removeprefix("w/"): recorded[k] for k in recorded.files if k.startswith("w/")}
    root = {"layer_with_weights-0": "encoder", "layer_with_weights-1": "regression"}
    renamed = {"/".join([root[k.split("/")[0]], *k.split("/")[1:]]): v for k, v in found.items()}
    assert_same(renamed, expected)
    assert sum(v.size for v in found.values()) == sum(v.size for v in expected.values()) == 661_505
