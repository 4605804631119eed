"""State dictionaries of PyTorch without PyTorch: both layouts, damage, and pickles that want to be executed."""

import io
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained.pickle_values import KNOWN
from lcjax.pretrained.pytorch import read_state_dict

MAGIC = 0x1950A86A20F9469CFC6C


@pytest.fixture
def fake_torch(monkeypatch):
    """The names that a state dictionary refers to, so that the pickler of the standard library writes them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    storages = {}
    for name in ("FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage"):
        storages[name] = type(name, (), {"__module__": "torch"})
        setattr(torch, name, storages[name])

    def _rebuild_tensor_v2(*arguments):
        raise AssertionError("it was called")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch, utils


class Tensor:
    def __init__(self, key, numbers, shape, strides, kind="FloatStorage", offset=0):
        self.key, self.numbers, self.shape, self.strides, self.kind, self.offset = (
            key,
            numbers,
            shape,
            strides,
            kind,
            offset,
        )


class Stored:
    def __init__(self, tensor):
        self.tensor = tensor


def written(tree, fake_torch, protocol=2):
    torch, utils = fake_torch

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if isinstance(item, Stored):
                t = item.tensor
                return ("storage", getattr(torch, t.kind), t.key, "cpu", len(t.numbers))
            return None

        def reducer_override(self, item):
            if isinstance(item, Tensor):
                arguments = (Stored(item), item.offset, item.shape, item.strides, False, OrderedDict())
                return utils._rebuild_tensor_v2, arguments
            return NotImplemented

    out = io.BytesIO()
    Pickler(out, protocol).dump(tree)
    return out.getvalue()


def bytes_of(tensor):
    types_of = {"FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "BFloat16Storage": "<u2"}
    return np.asarray(tensor.numbers, types_of[tensor.kind]).tobytes()


def archive(path, data, tensors, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as out:
        out.writestr("weights/data.pkl", data)
        out.writestr("weights/byteorder", "little")
        for tensor in tensors:
            out.writestr(f"weights/data/{tensor.key}", bytes_of(tensor))
    return path


@pytest.fixture
def tensors():
    six = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    return {
        "a.weight": Tensor("0", six, (2, 3), (3, 1)),
        "a.turned": Tensor("0", six, (3, 2), (1, 3)),
        "scale": Tensor("1", [7.5], (), ()),
        "half": Tensor("2", [0.5, 2.0], (2,), (1,), "HalfStorage"),
        "brain": Tensor("3", [0x3F80, 0xC000], (2,), (1,), "BFloat16Storage"),
        "count": Tensor("4", [41, 42], (1,), (1,), "LongStorage", offset=1),
    }


def check(found):
    np.testing.assert_array_equal(found["a.weight"], [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(found["a.turned"], [[1, 4], [2, 5], [3, 6]])
    assert found["scale"].shape == () and found["scale"] == 7.5
    assert found["half"].tolist() == [0.5, 2.0] and found["brain"].tolist() == [1.0, -2.0]
    assert found["count"].tolist() == [42]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("nested", [False, True])
def test_zip_archives(tmp_path, fake_torch, tensors, protocol, nested):
    tree = {"epoch": 3, "state_dict": OrderedDict(tensors), "lr": 1e-3} if nested else OrderedDict(tensors)
    check(read_state_dict(archive(tmp_path / "x.pth", written(tree, fake_torch, protocol), tensors.values())))


def test_the_older_form(tmp_path, fake_torch, tensors):
    plain = lambda value: pickle.dumps(value, 2)
    unique = {t.key: t for t in tensors.values()}
    parts = [plain(MAGIC), plain(1001), plain({"little_endian": True}), written(OrderedDict(tensors), fake_torch)]
    parts.append(plain(list(unique)))
    parts += [struct.pack("<q", len(t.numbers)) + bytes_of(t) for t in unique.values()]
    (tmp_path / "old.pth").write_bytes(b"".join(parts))
    check(read_state_dict(tmp_path / "old.pth"))
    (tmp_path / "cut.pth").write_bytes(b"".join(parts)[:-5])
    with pytest.raises(WeightsError, match="cut short"):
        read_state_dict(tmp_path / "cut.pth")


class Hostile:
    def __init__(self, function, *arguments):
        self.way = (function, arguments)

    def __reduce__(self):
        return self.way


@pytest.mark.parametrize(
    "hostile",
    [
        Hostile(os.system, "touch PWNED"),
        Hostile(eval, "1"),
        Hostile(print, "x"),
        Hostile(OrderedDict, [("a", 1)]),
        object(),
    ],
)
def test_programs_are_refused_in_a_sentence_and_not_run(tmp_path, fake_torch, tensors, hostile, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = archive(tmp_path / "x.pth", written({**tensors, "bad": hostile}, fake_torch), tensors.values())
    with pytest.raises(WeightsError, match="refused, nothing of it was executed") as told:
        read_state_dict(path)
    assert "\n" not in str(told.value) and not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize("code", [b"i", b"o", b"\x82\x01", b"\x81", b"P1\n"])
def test_other_ways_to_call_are_no_instructions_here(tmp_path, code):
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("w/data.pkl", b"\x80\x02(cos\nsystem\n"[:3] + code + b".")
    with pytest.raises(WeightsError, match="refused"):
        read_state_dict(path)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (b"cevil\nOrderedDict\n)R", "refers to 'evil.OrderedDict'"),  # a known name of another module
        (b"ctorch\n_rebuild_tensor_v2\n", "refers to 'torch._rebuild_tensor_v2'"),
        (b"ctorch\nFloatStorage\n)R", "calls 'torch.FloatStorage'"),  # a known name that is no function
        (b"X\x01\x00\x00\x00a)R", "calls something that is no name"),
    ],
)
def test_known_names_are_known_by_their_module_and_for_what_they_do(tmp_path, program, why):
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as out:
        out.writestr("w/data.pkl", b"\x80\x02" + program + b".")
    with pytest.raises(WeightsError, match=why):
        read_state_dict(tmp_path / "x.pth")


def test_damage_is_told_in_a_sentence(tmp_path, fake_torch, tensors):
    good = archive(tmp_path / "x.pth", written(tensors, fake_torch), tensors.values()).read_bytes()
    for end in (1, 10, 200, len(good) // 2, len(good) - 30):
        (tmp_path / "y.pth").write_bytes(good[:end])
        with pytest.raises(WeightsError):
            read_state_dict(tmp_path / "y.pth")
    beyond = {"a": Tensor("0", [1.0, 2.0], (3, 3), (3, 1))}
    with pytest.raises(WeightsError, match="beyond its numbers"):
        read_state_dict(archive(tmp_path / "z.pth", written(beyond, fake_torch), beyond.values()))
    huge = {"a": Tensor("0", [1.0, 2.0], (1 << 40, 2), (0, 1))}
    with pytest.raises(WeightsError, match="beyond its numbers"):
        read_state_dict(archive(tmp_path / "h.pth", written(huge, fake_torch), huge.values()))
    packed = archive(tmp_path / "p.pth", written(tensors, fake_torch), tensors.values(), zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="packed"):
        read_state_dict(packed)
    (tmp_path / "n.pth").write_bytes(b"hello")
    with pytest.raises(WeightsError, match="no file of PyTorch weights"):
        read_state_dict(tmp_path / "n.pth")


def test_every_known_name_holds_values():
    assert all(module.split(".")[0] in ("torch", "collections") for module, _ in KNOWN)
