"""One strange file never ends the work: names that are no text, bytes that are no text, ids of any type."""

import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
from data_pipelines.kinds.host_fields.images import read_fields
from data_pipelines.sources import read_light_curves
from data_pipelines.sources.alerts import Alert, StampRules, read_alerts
from tests.data_pipelines.alerts.test_read import tar_bytes

TIMES = np.arange(53000.0, 53006.0)


def strange(folder, ending: str) -> str:
    """A name in Latin-1, as old disks have it."""
    folder.mkdir(exist_ok=True)
    return os.fsdecode(os.fsencode(folder) + b"/caf\xe9" + ending.encode())


def write(name: str, data: bytes) -> None:
    with open(name, "wb") as file:
        file.write(data)


def test_alerts_in_files_whose_names_are_no_text(tmp_path):
    folder = tmp_path / "F"
    pq.write_table(pa.Table.from_pylist([packet(2)]), tmp_path / "t.parquet")
    os.rename(tmp_path / "t.parquet", strange(folder, ".parquet"))
    write(strange(folder, ".avro"), container([packet(1), packet(3, side=20)]))
    write(strange(folder, ".tar"), tar_bytes({os.fsdecode(b"\xe9.avro"): container([packet(4)])}))
    write(strange(folder, "_science.fits"), fits_bytes(stamp(1)))
    with open(strange(folder, ".npy"), "wb") as file:
        np.save(file, np.ones((1, 63, 63), np.float32))
    found = list(read_alerts(folder, rules=StampRules(need=("science",))))
    assert sorted(a.alert_id for a in found if isinstance(a, Alert)) == [0, 0, 1001, 1002, 1004]
    for item in found:
        assert "caf\\xe9" in item.origin and item.origin.encode() and item.object_id.encode()
    assert {"caf\\xe9"} < {item.object_id for item in found}


def test_light_curves_and_images_in_files_whose_names_are_no_text(tmp_path):
    columns = {"id": ["a"] * 6, "time": TIMES, "mag": [15.0] * 6, "err": [0.1] * 6}
    text = "id,time,mag,err\n" + "\n".join(f"b,{t},15,0.1" for t in TIMES)
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    os.rename(tmp_path / "t.parquet", strange(tmp_path / "F", ".parquet"))
    write(strange(tmp_path / "F", ".csv"), text.encode())
    write(strange(tmp_path / "F", ".csv.gz"), gzip.compress(text.replace("b,", "c,").encode()))
    write(strange(tmp_path / "F", ".dat"), text.partition("\n")[2].replace("b,", "").encode())
    assert {curve.object_id for curve in read_light_curves([tmp_path / "F"])} == {"a", "b", "c", "caf\\xe9"}
    write(strange(tmp_path / "I", ".fits"), fits_bytes(stamp(1)))
    (field,) = read_fields([tmp_path / "I"], pixel_scale=1.0)
    assert field.object_id == "caf\\xe9" and field.origin.encode()


def test_a_byte_that_is_no_text_in_a_fits_table(tmp_path):
    names = np.array([b"a\xff"] * 3 + [b"a\xfe"] * 3)
    Table({"id": names, "time": TIMES, "mag": TIMES, "err": TIMES}).write(tmp_path / "t.fits")
    assert [curve.object_id for curve in read_light_curves([tmp_path / "t.fits"])] == ["a\\xff", "a\\xfe"]


def broken_text() -> pa.Array:
    """Text as writers make it that do not check it."""
    ends, data = np.array([0, 2, 4, 6], np.int32), b"a1\xff2\xfe2"
    return pa.StringArray.from_buffers(3, pa.py_buffer(ends.tobytes()), pa.py_buffer(data))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (broken_text(), ["a1", "\\xff2", "\\xfe2"]),
        (pa.array([b"a1", b"\xff2", b"\xfe2"]), ["a1", "\\xff2", "\\xfe2"]),
        (pa.array([1, 2, 3], pa.timestamp("ns")), [f"1970-01-01 00:00:00.00000000{i}" for i in (1, 2, 3)]),
        (
            pa.array([1, 2, 3], pa.timestamp("ns", "Mars/Olympus")),
            [f"1970-01-01 00:00:00.00000000{i}" for i in (1, 2, 3)],
        ),
        (pa.array([1, 2, 3], pa.duration("ns")), ["1", "2", "3"]),
    ],
    ids=("broken text", "bytes", "nanoseconds", "unknown zone", "duration"),
)
def test_object_ids_of_any_type_in_parquet(tmp_path, ids, expected):
    """Different ids stay different. In packets, whose records hold text too, a row with broken text is set aside alone."""
    series = {name: [TIMES.tolist()] * 3 for name in ("time", "mag", "err")}
    pq.write_table(pa.table({"id": ids, **series}), tmp_path / "t.parquet")
    assert [curve.object_id for curve in read_light_curves([tmp_path / "t.parquet"])] == expected
    packets = pa.Table.from_pylist([packet(n) for n in range(3)])
    pq.write_table(packets.set_column(0, "objectId", ids), tmp_path / "a.parquet")
    found = list(read_alerts(tmp_path / "a.parquet", need_stamps=()))
    if pa.types.is_string(ids.type):
        assert [item.object_id for item in found] == ["a1", "", ""]
        assert found[1].reason.startswith("damaged Parquet: 'utf-8'") and found[1].origin.endswith("a.parquet#1")
    else:
        assert [item.object_id for item in found] == expected
