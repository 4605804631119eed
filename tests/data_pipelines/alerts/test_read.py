"""Files of every kind in, alerts in order out; whatever is damaged is named and the rest goes on."""

import gzip
import io
import lzma
import os
import tarfile
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
from data_pipelines.sources.alerts import Alert, StampRules, archives, read_alerts, read_packets
from lcjax.errors import DataError, Rejection


def ids(found) -> list[int]:
    return [a.alert_id if isinstance(a, Alert) else -1 for a in found]


def reasons(found) -> list[str]:
    return [a.reason for a in found if isinstance(a, Rejection)]


def tar_bytes(members: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def single(number: int) -> bytes:
    return container([packet(number)])


def test_a_folder_of_everything(tmp_path):
    (tmp_path / "a.avro").write_bytes(single(1))
    (tmp_path / "b_many.avro").write_bytes(container([packet(i) for i in (2, 3)], "deflate") + single(4))
    (tmp_path / "c.tar").write_bytes(
        tar_bytes({"x/5.avro": single(5), "x/notes.txt": b"no alert", "x/6.avro": single(6)})
    )
    (tmp_path / "d.tar.gz").write_bytes(
        gzip.compress(tar_bytes({"7.avro": single(7), "8.avro.gz": gzip.compress(single(8))}))
    )
    (tmp_path / "e.avro.gz").write_bytes(gzip.compress(single(9)))
    pq.write_table(pa.Table.from_pylist([packet(10), packet(11)]), tmp_path / "f.parquet")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.avro").write_bytes(single(12))
    (tmp_path / "README.md").write_text("about")
    (tmp_path / ".hidden").write_bytes(b"?")
    opened, others = [], []
    found = list(read_alerts(tmp_path, on_file=opened.append, on_other=others.append))
    assert ids(found) == [1000 + i for i in range(1, 13)]
    assert [p.name for p in opened] == [
        "a.avro",
        "b_many.avro",
        "c.tar",
        "d.tar.gz",
        "e.avro.gz",
        "f.parquet",
        "a.avro",
    ]
    assert [p.name for p in others] == ["README.md"]
    assert found[3].origin.endswith("b_many.avro#2") and found[4].origin.endswith("c.tar#x/5.avro#0")
    assert found[9].origin.endswith("f.parquet#0")
    order = [tmp_path / "e.avro.gz", str(tmp_path / "a.avro")]
    assert ids(read_alerts(order)) == [1009, 1001]


def test_one_alert_is_one_alert_in_every_format(tmp_path):
    """Avro and Parquet of a packet give the same record."""
    (tmp_path / "a.avro").write_bytes(single(3))
    pq.write_table(pa.Table.from_pylist([packet(3)]), tmp_path / "b.parquet")
    (avro,), (table,) = read_alerts(tmp_path / "a.avro"), read_alerts(tmp_path / "b.parquet")
    assert avro.metadata.keys() == table.metadata.keys()
    for name in avro.stamps:
        np.testing.assert_array_equal(avro.stamps[name].pixels, table.stamps[name].pixels)
    for part in ("history", "non_detections"):
        for name, column in getattr(avro, part).items():
            np.testing.assert_array_equal(column, getattr(table, part)[name])


def test_tables_of_other_types_and_none(tmp_path):
    """Ids as text or decimals are read exactly, as large floats not at all; large and dictionary types; tables of no rows."""
    rows = [packet(i) | {"candid": 2_475_433_850_415_015_000 + i} for i in range(3)]
    table = pa.Table.from_pylist(rows)
    cast = lambda name, kind: table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    science = pa.array([row["cutoutScience"]["stampData"] for row in rows], pa.large_binary())
    variants = {
        "text": cast("candid", pa.string()),
        "decimal": cast("candid", pa.decimal128(20, 0)),
        "float": table.set_column(1, "candid", pa.array([float(row["candid"]) for row in rows])),
        "large": table.set_column(table.column_names.index("cutoutScience"), "cutoutScience", science),
        "dictionary": table.set_column(0, "objectId", table["objectId"].combine_chunks().dictionary_encode()),
        "no rows": table.slice(0, 0),
        "no ids": table.set_column(0, "objectId", pa.nulls(3, pa.string())),
    }
    found = {}
    for name, variant in variants.items():
        pq.write_table(variant, tmp_path / "t.parquet")
        found[name] = list(read_alerts(tmp_path / "t.parquet"))
    for name in ("text", "decimal", "large", "dictionary"):
        assert ids(found[name]) == [row["candid"] for row in rows], name
    assert set(reasons(found["float"])) == {"inexact id: candid is a floating-point number beyond 2^53"}
    assert reasons(found["no rows"]) == ["no alerts: the table has no rows"]
    assert reasons(found["no ids"]) == ["missing field: objectId"] * 3


@pytest.fixture
def table_and_page(tmp_path):
    """A table of two row groups of two alerts, with page checksums; bytes, and where the second group's page of ids begins."""
    rows = pa.Table.from_pylist([packet(i) for i in range(4)])
    pq.write_table(
        rows,
        tmp_path / "t.parquet",
        use_dictionary=False,
        compression="none",
        row_group_size=2,
        write_page_checksum=True,
    )
    second = pq.read_metadata(tmp_path / "t.parquet").row_group(1)
    assert second.column(1).path_in_schema == "candid"
    return (tmp_path / "t.parquet").read_bytes(), second.column(1).data_page_offset, tmp_path / "t.parquet"


def test_a_page_of_a_table_that_yields_no_rows(table_and_page):
    """A page whose type is damaged is passed over without a word: the footer says how many rows there are."""
    data, page, path = table_and_page
    path.write_bytes(data[: page + 1] + bytes([data[page + 1] ^ 4]) + data[page + 2 :])
    found = list(read_alerts(path))
    assert ids(found) == [1000, 1001, -1]
    assert reasons(found) == ["damaged Parquet: pages have fewer rows than the footer says, 2 rows lost"]
    assert found[-1].origin == f"{path}#2"


def test_a_page_of_a_table_that_does_not_match_its_checksum(table_and_page):
    """One bit of an id: with a checksum it is no other alert."""
    data, page, path = table_and_page
    at = data.index((1002).to_bytes(8, "little") + (1003).to_bytes(8, "little"), page)
    path.write_bytes(data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :])
    found = list(read_alerts(path))
    assert ids(found) == [1000, 1001, -1]
    assert "checksum" in reasons(found)[0] and reasons(found)[0].endswith("2 rows lost")


def test_garbage_is_named_and_the_rest_goes_on(tmp_path):
    (tmp_path / "1.avro").write_bytes(single(1))
    (tmp_path / "2.avro").write_bytes(b"")
    (tmp_path / "3.avro").write_bytes(np.random.default_rng(0).bytes(3000))
    (tmp_path / "4.avro").write_bytes(single(4)[:-900])
    (tmp_path / "5.avro").write_bytes(b"\x00\x00\x00\x03\x84" + b"\x01" * 50)
    (tmp_path / "6.parquet").write_bytes(b"PAR1" + bytes(200) + b"PAR1")
    (tmp_path / "7.tar.gz").write_bytes(gzip.compress(tar_bytes({"7.avro": single(7), "8.avro": single(8)}))[:-30_000])
    (tmp_path / "8.gz").write_bytes(b"\x1f\x8b\x08\x00garbage in here")
    (tmp_path / "9.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff{'descr'")
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =                    T" + b" " * 100)
    (tmp_path / "b.avro").write_bytes(container([]))
    (tmp_path / "z.avro").write_bytes(single(12))
    found = list(read_alerts(tmp_path))
    assert {1001, 1012} <= set(ids(found))
    said = {a.origin.split("/")[-1].split("#")[0].split(":")[0]: a.reason for a in found if isinstance(a, Rejection)}
    expected = {
        "2.avro": "empty file",
        "3.avro": "unknown format",
        "4.avro": "truncated Avro",
        "5.avro": "unknown schema: id 900",
        "6.parquet": "damaged Parquet",
        "7.tar.gz": "damaged archive",
        "8.gz": "corrupt gzip",
        "9.npy": "damaged .npy",
        "a.fits": "damaged FITS",
        "b.avro": "no alerts",
    }
    for name, reason in expected.items():
        assert said[name].startswith(reason), (name, said.get(name))
    assert len(said) == len(expected)


def test_paths_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        list(read_alerts(tmp_path / "nowhere"))
    (tmp_path / "README.md").write_text("about")
    with pytest.raises(DataError, match="holds no alerts"):
        list(read_alerts(tmp_path))


def test_links_are_followed_once_and_nothing_in_a_folder_is_passed_over(tmp_path):
    top, elsewhere = tmp_path / "top", tmp_path / "elsewhere"
    top.mkdir(), elsewhere.mkdir()
    (elsewhere / "1.avro").write_bytes(single(1))
    (top / "a").symlink_to(elsewhere)
    (elsewhere / "round").symlink_to(top)
    (top / "gone.avro").symlink_to(tmp_path / "nothing")
    (top / "z.avro").write_bytes(single(2))
    found = list(read_alerts(top))
    assert ids(found) == [1001, -1, 1002]
    assert reasons(found) == ["unreadable file: No such file or directory"] and found[1].origin.endswith("gone.avro")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        list(read_alerts(tmp_path / "pipe"))


def npy_bytes(array, **header) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    data = out.getvalue()
    for old, new in header.items():
        data = data.replace(old.encode(), new.encode().ljust(len(old)))
    return data


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npy_bytes(np.zeros((2, 9, 9, 3)))[:-5], "damaged .npy"),
        (npy_bytes(np.zeros((2, 9, 9, 3)), **{"(2, 9, 9, 3)": "(2, 9, 9, 3"}), "damaged .npy"),
        (
            npy_bytes(np.zeros((2, 9, 9, 3)), **{"(2, 9, 9, 3), }" + 12 * " ": "(99999999999, 9, 9, 3), }"}),
            "damaged .npy",
        ),
        (npy_bytes(np.zeros((2, 9, 9, 3)), **{"(2, 9, 9, 3)": "(-2,9, 9, 3)"}), "damaged .npy"),
        (npy_bytes(np.zeros(3)), "stamp size: an array of shape (3,)"),
        (npy_bytes(np.zeros((2, 0, 0, 3))), "stamp size: an array of shape (2, 0, 0, 3)"),
        (npy_bytes(np.zeros((4, 4), complex)), "no image: the array is of complex128"),
        (npy_bytes(np.array([{}, 1], object)), "damaged .npy"),
    ],
)
def test_damaged_arrays(tmp_path, data, reason, packed):
    (tmp_path / f"a.npy{'.gz' if packed else ''}").write_bytes(gzip.compress(data) if packed else data)
    (found,) = read_alerts(tmp_path)
    assert found.reason.startswith(reason)


def test_arrays_by_columns_and_their_metadata(tmp_path):
    pixels = np.random.default_rng(0).normal(size=(3, 9, 7, 3))
    np.save(tmp_path / "a.npy", np.asfortranarray(pixels))
    (tmp_path / "b.npy.xz").write_bytes(lzma.compress((tmp_path / "a.npy").read_bytes()))
    (tmp_path / "a.csv").write_text("candid,pixel_scale\n2475433850415015017,0.5\n1e18,0.5\n7,-1\n")
    first, inexact, scale, *packed = read_alerts(tmp_path, rules=StampRules(size="any"))
    assert first.alert_id == 2475433850415015017 and first.stamps["science"].pixel_scale == 0.5
    assert inexact.reason.startswith("inexact id") and scale.reason == "metadata: a pixel scale of -1 arcsec"
    for alert, cube in zip([first, *packed], [pixels[0], *pixels], strict=True):
        np.testing.assert_array_equal(alert.stamps["template"].pixels, cube[..., 1].astype(np.float32))


def test_bombs(tmp_path, monkeypatch):
    (tmp_path / "zeros.tar.gz").write_bytes(
        gzip.compress(tar_bytes({"big.avro": bytes(65 << 20), "9.avro": single(9)}), 1)
    )
    huge = tarfile.TarInfo("long")
    huge.type, huge.size = tarfile.XHDTYPE, (8 << 30) - 1
    (tmp_path / "header.tar.gz").write_bytes(gzip.compress(huge.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 20)))
    bomb = packet(3)
    bomb["cutoutScience"]["stampData"] = gzip.compress(bytes(80 << 20), 9)
    (tmp_path / "stamp.avro").write_bytes(container([bomb]))
    deflated = container([packet(5) | {"objectId": "z" * (70 << 20)}], "deflate")
    (tmp_path / "block.avro").write_bytes(deflated)
    tracemalloc.start()
    found = list(read_alerts(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160 << 20
    assert [i for i in ids(found) if i > 0] == [1009]
    text = " ".join(reasons(found))
    for part in ("member too large", "damaged archive", "gzip too large", "Avro block too large"):
        assert part in text
    assert archives.is_tar(tar_bytes({"a": b""}))


def test_memory_is_that_of_a_few_alerts(tmp_path):
    many = container([packet(i) for i in range(60)], "deflate", block=40_000)
    (tmp_path / "many.avro").write_bytes(many * 6)
    pq.write_table(
        pa.Table.from_pylist([packet(i) for i in range(40)] * 5), tmp_path / "many.parquet", row_group_size=40
    )
    tracemalloc.start()
    count = sum(isinstance(a, Alert) for a in read_alerts(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 560
    assert peak < 25 << 20


def test_stamps_without_packets(tmp_path):
    cube = np.stack([stamp(k, 21) for k in range(3)])
    fits.writeto(tmp_path / "a_cube.fits", cube)
    for k, name in enumerate(("sci", "ref", "diff")):
        (tmp_path / f"b_{name}.fits.gz").write_bytes(
            gzip.compress(fits_bytes(stamp(k, 25), {"CDELT1": 5e-5, "CDELT2": 5e-5}))
        )
    named = [fits.PrimaryHDU()]
    named += [fits.ImageHDU(stamp(k, 9), name=n) for k, n in enumerate(("SCIENCE", "TEMPLATE", "DIFFERENCE"))]
    fits.HDUList(named).writeto(tmp_path / "c.fits")
    fits.writeto(tmp_path / "d_alone.fits", stamp(0, 31))
    np.save(tmp_path / "e.npy", np.stack([np.moveaxis(cube, 0, -1)] * 4))
    np.save(tmp_path / "f.npy", np.stack([cube] * 2))
    np.save(tmp_path / "g.npy", stamp(0, 15))
    np.save(tmp_path / "h.npy", np.zeros((2, 2, 2, 2, 2)))
    np.save(tmp_path / "i.npy", np.array([{"a": 1}], object), allow_pickle=True)
    (tmp_path / "e.csv").write_text(
        "objectId,candid,jd,ra,dec,fid,fwhm\n" + "".join(f"o{i},{900 + i},2459000.5,1.5,2.5,1,{i}\n" for i in range(4))
    )
    found = list(read_alerts(tmp_path))
    names = [a.object_id for a in found]
    assert names == ["a_cube", "b", "c", "d_alone", "o0", "o1", "o2", "o3", "f:0", "f:1", "g", "h", "i"]
    by = dict(zip(names, found, strict=True))
    for name in ("a_cube", "f:1"):
        np.testing.assert_array_equal(by[name].stamps["difference"].pixels, cube[2])
    np.testing.assert_array_equal(by["b"].stamps["template"].pixels, stamp(1, 25))
    assert by["b"].stamps["science"].pixel_scale == pytest.approx(0.18)
    assert reasons([by["d_alone"], by["g"]]) == ["missing cutout: template"] * 2
    assert by["h"].reason.startswith("stamp size") and by["i"].reason.startswith("damaged .npy")
    assert reasons([by["o1"]]) == ["stamp size: science is 21x21, not 63x63"]
    loose = {a.object_id: a for a in read_alerts(tmp_path, rules=StampRules(need=("science",), size="any"))}
    np.testing.assert_array_equal(loose["g"].stamps["science"].pixels, stamp(0, 15))
    o1 = loose["o1"]
    assert (o1.alert_id, o1.mjd, o1.ra, o1.band, o1.metadata["fwhm"]) == (901, 59000.0, 1.5, "g", 1.0)
    assert isinstance(loose["d_alone"], Alert)


def test_a_tar_of_fits_stamps(tmp_path):
    members = {
        f"{o}_{n}.fits": fits_bytes(stamp(k, 11))
        for o in ("x", "y")
        for k, n in enumerate(("science", "template", "diff"))
    }
    (tmp_path / "s.tar").write_bytes(tar_bytes(members))
    found = list(read_alerts(tmp_path))
    assert [a.object_id for a in found] == ["x", "y"] and all(len(a.stamps) == 3 for a in found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_never_escapes(tmp_path, data):
    """Any bytes changed anywhere: alerts and rejections come out, no exception, and untouched neighbours are intact."""
    base = data.draw(st.sampled_from(sorted(BASES)))
    raw = bytearray(BASES[base])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
    (tmp_path / "a").write_bytes(bytes(raw))
    (tmp_path / "b.avro").write_bytes(GOOD)
    *found, last = read_alerts([tmp_path / "a", tmp_path / "b.avro"])
    assert last.alert_id == 1009
    assert all(isinstance(a, Alert | Rejection) for a in found) and found
    if base == "packets":
        assert all(isinstance(a, Alert | Rejection) for a in read_packets(bytes(raw)))


def _table() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([packet(2, 9), packet(3, 9)]), out)
    return out.getvalue()


GOOD = single(9)
BASES = {
    "packets": container([packet(1, 9), packet(2, 9)]),
    "deflate": container([packet(1, 9), packet(2, 9)], "deflate", 10_000),
    "tar": tar_bytes({"1.avro": container([packet(1, 9)]), "2.fits": fits_bytes(stamp(1, 9))}),
    "tar.gz": gzip.compress(tar_bytes({"1.avro": container([packet(1, 9)])})),
    "parquet": _table(),
    "fits": fits_bytes(stamp(1, 9)),
}
