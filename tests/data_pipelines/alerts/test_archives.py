"""Archives and compressed files of every kind: the same alerts out, origins that name the member, damage named, sizes bounded."""

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zipfile

import pyarrow as pa
import pytest

from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
from data_pipelines.sources.alerts import Alert, StampRules, archives, cutting, read_alerts
from tests.data_pipelines.alerts.test_read import ids, reasons, single, tar_bytes

ZSTD = lambda data: pa.compress(data, codec="zstd", asbytes=True)
PACKERS = {
    "gzip": (".gz", gzip.compress),
    "bzip2": (".bz2", bz2.compress),
    "xz": (".xz", lambda data: lzma.compress(data, preset=0)),
    "zstandard": (".zst", ZSTD),
}


def zip_bytes(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_files_and_tars(tmp_path, kind):
    ending, pack = PACKERS[kind]
    (tmp_path / f"1.avro{ending}").write_bytes(pack(single(1)))
    (tmp_path / f"2.avro{ending}").write_bytes(pack(single(2)) + pack(single(3)))
    members = {"x/4.avro": container([packet(4), packet(5)]), f"x/6.avro{ending}": pack(single(6)), "x/a.txt": b"no"}
    (tmp_path / f"3.tar{ending}").write_bytes(pack(tar_bytes(members)))
    (tmp_path / f"4.zip{ending}").write_bytes(pack(zip_bytes({"7.avro": single(7)})))
    found = list(read_alerts(tmp_path))
    assert ids(found) == [1001, 1002, 1003, 1004, 1005, 1006, 1007]
    assert [a.origin.removeprefix(f"{tmp_path}/") for a in found[3:6]] == [
        f"3.tar{ending}#x/4.avro#0",
        f"3.tar{ending}#x/4.avro#1",
        f"3.tar{ending}#x/6.avro{ending}#0",
    ]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_follow_each_other_without_end(tmp_path, kind):
    """tarfile calls itself for each header of a member."""
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 16
    chained = (header.tobuf(tarfile.USTAR_FORMAT) + b"16 path=aaaaaaa\n".ljust(512, b"\0")) * 3000
    (tmp_path / "a.tar").write_bytes(tar_bytes({"1.avro": single(1)}) + chained + tar_bytes({"2.avro": single(2)}))
    (tmp_path / "b.avro").write_bytes(single(3))
    found = list(read_alerts(tmp_path))
    assert ids(found) == [1001, -1, 1003]
    assert reasons(found) == ["damaged archive behind '1.avro': more than 16 headers of one member"]


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_is_named_and_what_came_before_stays(tmp_path, kind):
    ending, pack = PACKERS[kind]
    many = pack(tar_bytes({f"{i}.avro": single(i) for i in range(8)}))
    (tmp_path / f"a.tar{ending}").write_bytes(many[: len(many) * 3 // 4])
    (tmp_path / f"b.avro{ending}").write_bytes(pack(single(1))[:-3])
    (tmp_path / f"c.avro{ending}").write_bytes(pack(single(1))[:20] + b"\xa5" * 4000)
    found = list(read_alerts(tmp_path))
    whole = [i for i in ids(found) if i > 0 and i < 1008]
    assert whole[: len(set(whole))] == [1000 + i for i in range(len(set(whole)))]
    said = {a.origin.split("/")[-1].split("#")[0][0]: a.reason for a in found if not isinstance(a, Alert)}
    assert f"corrupt {kind}: " in said["a"]
    assert said["c"].startswith(f"corrupt {kind}")
    assert kind == "gzip" or said["b"].startswith(f"corrupt {kind}: it is cut off")


def test_zip(tmp_path):
    members = {
        "night/": b"",
        "night/1.avro": container([packet(1), packet(2)]),
        "night/3.avro.gz": gzip.compress(single(3)),
        "s_science.fits": fits_bytes(stamp(0)),
        "s_template.fits.gz": gzip.compress(fits_bytes(stamp(1))),
        "notes.md": b"",
        "4.avro": b"garbage that is no packet",
        "in.tar": tar_bytes({"5.avro": single(5)}),
        "__MACOSX/._x": b"?",
    }
    (tmp_path / "a.zip").write_bytes(zip_bytes(members))
    found = list(read_alerts(tmp_path, rules=StampRules(need=("science",), optional=("template",))))
    assert [a.origin.removeprefix(f"{tmp_path}/a.zip#") for a in found] == [
        "night/1.avro#0",
        "night/1.avro#1",
        "night/3.avro.gz#0",
        "s",
        "4.avro",
        "in.tar",
    ]
    assert set(found[3].stamps) == {"science", "template"}
    assert [r.split(":")[0] for r in reasons(found)] == ["unknown format", "an archive in an archive"]


def test_damaged_members_of_a_zip_cost_only_themselves(tmp_path):
    data = bytearray(zip_bytes({"1.avro": single(1), "2.avro": single(2), "3.avro": single(3)}))
    second = data.find(b"2.avro")
    data[second + 2000 : second + 2100] = b"\xff" * 100
    (tmp_path / "a.zip").write_bytes(data)
    (tmp_path / "b.zip").write_bytes(zip_bytes({"4.avro": single(4)}, zipfile.ZIP_LZMA))
    secret = bytearray(zip_bytes({"5.avro": single(5)}))
    for at in (secret.find(b"PK\x01\x02") + 8, 6):
        secret[at] |= 1
    (tmp_path / "c.zip").write_bytes(secret)
    (tmp_path / "d.zip").write_bytes(zip_bytes({"6.avro": single(6)})[:-40])
    (tmp_path / "e.zip").write_bytes(zip_bytes({}))
    found = list(read_alerts(tmp_path))
    assert [i for i in ids(found) if i > 0] == [1001, 1003]
    expected = ["damaged member", "unknown compression", "encrypted member", "damaged archive", "no alerts"]
    assert [r.split(":")[0] for r in reasons(found)] == expected
    assert found[1].origin.endswith("a.zip#2.avro")


@pytest.mark.parametrize("kind", PACKERS)
def test_bombs(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(cutting, "MAX_FILE_BYTES", 2 << 20)
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 2 << 20)
    ending, pack = PACKERS[kind]
    bomb, zeros = pack(bytes(24 << 20)), bytes(24 << 20)
    (tmp_path / f"1{ending}").write_bytes(pack(b"\x00\x00\x00\x03\x84" + zeros))
    (tmp_path / f"2.tar{ending}").write_bytes(tar_bytes({f"a{ending}": bomb, "3.avro": single(3)}))
    (tmp_path / f"4.fits{ending}").write_bytes(pack(fits_bytes(stamp(0)) + zeros))
    (tmp_path / "5.zip").write_bytes(zip_bytes({"a": zeros, f"b{ending}": bomb, "6.avro": single(6)}))
    tracemalloc.start()
    found = list(read_alerts(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [i for i in ids(found) if i > 0] == [1003, 1006]
    names = ["file too large", "file too large", "file too large", "member too large", "file too large"]
    assert [r.split(":")[0] for r in reasons(found)] == names
    assert peak < 20 << 20


def test_a_dictionary_of_gigabytes_is_not_allocated(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}]
    (tmp_path / "a.avro.xz").write_bytes(lzma.compress(single(1), filters=filters))
    assert reasons(read_alerts(tmp_path))[0].startswith("corrupt xz: Memory usage limit")


def test_zstandard_needs_an_unpacker(tmp_path, monkeypatch):
    (tmp_path / "a.tar.zst").write_bytes(ZSTD(tar_bytes({"1.avro": single(1)})))
    monkeypatch.setattr("data_pipelines.sources.alerts.unpacking._has_zstandard", lambda: False)
    assert reasons(read_alerts(tmp_path)) == [
        "no unpacker: this pyarrow has no zstandard; install pyarrow from PyPI, or unpack the file first"
    ]


def said_of(path, data) -> tuple[list[int], list[str]]:
    path.write_bytes(data)
    found = list(read_alerts(path))
    assert all(a.origin.startswith(str(path)) for a in found)
    return [i for i in ids(found) if i > 0], reasons(found)


def test_tars_that_tarfile_would_end_early_without_a_word(tmp_path):
    names = [f"{i}.avro" for i in range(4)]
    whole = tar_bytes({name: single(i) for i, name in enumerate(names)})
    path = tmp_path / "a.tar"
    assert said_of(path, whole) == ([1000, 1001, 1002, 1003], [])
    at = whole.find(b"1.avro")
    flipped = whole[: at + 150] + b"\xff" + whole[at + 151 :]
    assert said_of(path, flipped) == (
        [1000, 1002, 1003],
        ["damaged archive behind '0.avro': invalid header of a member"],
    )
    shifted = whole[: at + 700] + whole[at + 1000 :]
    kept, why = said_of(path, shifted)
    assert kept == [1000] and any("damaged archive behind '1.avro'" in reason for reason in why)
    third = whole.find(b"2.avro")
    assert said_of(path, whole[:third]) == (
        [1000, 1001],
        ["damaged archive behind '1.avro': it ends without its end mark"],
    )
    more = tar_bytes({"4.avro": single(4)})
    assert said_of(path, whole + more) == ([1000, 1001, 1002, 1003, 1004], [])


def test_a_zip_whose_directory_lost_members(tmp_path):
    data = bytearray(zip_bytes({f"{i}.avro": single(i) for i in range(3)}))
    data[data.rfind(b"PK\x05\x06") + 10] = 4
    kept, why = said_of(tmp_path / "a.zip", data)
    assert kept == [1000, 1001, 1002] and why == ["damaged archive: its directory has 3 members where 4 are due"]
