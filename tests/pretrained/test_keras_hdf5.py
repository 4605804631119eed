"""Keras layers in HDF5 files written by hand, in both layouts, and files nobody should trust."""

import io
import json
import struct

import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained.keras_hdf5 import read_keras

h5py = pytest.importorskip("h5py", reason="needs h5py (extra test or interop)")

KERNEL, BIAS = np.arange(6.0).reshape(2, 3), np.ones(3)


def written(fill):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ("layers/dense/vars/0", "layers/dense/vars/1"),
        ("model_weights/dense/dense/kernel:0", "model_weights/dense/dense/bias:0"),
        ("model/dense/kernel", "model/dense/bias"),
    ],
)
def test_both_layouts(kernel, bias):
    def fill(file):
        file[kernel], file[bias] = KERNEL, BIAS
        file["optimizer/dense/vars/0"] = KERNEL
        file["optimizer_weights/dense/kernel:0"] = KERNEL
        file["layers/dense/vars/2"] = BIAS

    layers, config, ignored = read_keras(written(fill), "a.h5")
    assert list(layers) == ["dense"] and set(layers["dense"]) == {"kernel", "bias"}
    np.testing.assert_array_equal(layers["dense"]["kernel"], KERNEL)
    np.testing.assert_array_equal(layers["dense"]["bias"], BIAS)
    assert layers["dense"]["kernel"].dtype == np.float32 and config == {}
    assert sorted(ignored) == ["layers/dense/vars/2", "optimizer/dense/vars/0", "optimizer_weights/dense/kernel:0"]


@pytest.mark.parametrize("as_bytes", [True, False])
def test_the_configuration_comes_along(as_bytes):
    text = json.dumps({"class_name": "Functional"})
    content = written(lambda file: file.attrs.__setitem__("model_config", text.encode() if as_bytes else text))
    assert read_keras(content, "a.h5") == ({}, {"class_name": "Functional"}, [])
    assert read_keras(written(lambda file: file.attrs.__setitem__("model_config", "[1]")), "a.h5")[1] == {}


def _text(file):
    file["layers/dense/vars/0"] = "kernel"


def _integers(file):
    file["layers/dense/vars/0"] = np.arange(3)


def _huge(file):
    file.create_dataset("layers/dense/vars/0", (40 << 20,), "f4", chunks=(1024,))


def _outside(file):
    file.create_dataset("layers/dense/vars/0", (3,), "f4", external=[("/etc/hostname", 0, 12)])


def _virtual(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (3,))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


@pytest.mark.parametrize("fill", [_text, _integers, _huge, _outside, _virtual])
def test_nothing_outside_and_nothing_without_bound(fill):
    with pytest.raises(WeightsError, match=r"'layers/dense/vars/0' in 'a\.h5' is no plain array"):
        read_keras(written(fill), "a.h5")


def test_damage_is_one_sentence():
    sound = written(lambda file: file.__setitem__("layers/dense/vars/0", KERNEL))
    for data in (b"", b"no HDF5", sound[: len(sound) // 2]):
        with pytest.raises(WeightsError, match=r"'a\.h5' is no readable HDF5 file"):
            read_keras(data, "a.h5")
    broken = written(lambda file: file.attrs.__setitem__("model_config", "{"))
    with pytest.raises(WeightsError, match=r"'a\.h5'"):
        read_keras(broken, "a.h5")


def test_heaps_as_the_library_writes_them_are_sound():
    """Texts of all lengths, some taken out again and replaced, in several heaps."""
    rng = np.random.default_rng(0)

    def fill(file):
        for i in range(300):
            file.attrs[f"a{i % 40}"] = "x" * int(rng.integers(1, 1500))
            if i % 3 == 0:
                del file.attrs[f"a{i % 40}"]
        file.attrs["model_config"] = '{"a": 1}'

    content = written(fill)
    assert content.count(b"GCOL\x01") > 3 and read_keras(content, "a.h5") == ({}, {"a": 1}, [])


@pytest.mark.parametrize("length", [0, 2**64 - 16, 1 << 20])
def test_a_heap_whose_objects_take_no_room_is_named(length):
    """The HDF5 library reads the first of these for ever."""
    content = bytearray(written(lambda file: file.attrs.__setitem__("model_config", '{"a": 1}')))
    heap = content.index(b"GCOL\x01")
    free = heap + 16 + 16 + 8  # behind the header and the only object
    assert struct.unpack_from("<H", content, free) == (0,)
    struct.pack_into("<Q", content, free + 8, length)
    with pytest.raises(WeightsError, match=r"'a\.h5' is no readable HDF5 file \(damaged heap\)"):
        read_keras(bytes(content), "a.h5")
