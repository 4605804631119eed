"""light_curve_files: one set of stars in every form a user may hold gives the same records."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.builder_checks import prepare_and_check
from data_pipelines.kinds.light_curves.columns import ColumnNames
from lcjax.errors import DataError


@pytest.fixture(scope="module")
def points():
    """Flat columns of 12 stars in two bands."""
    rng = np.random.default_rng(1)
    n = 12 * 2 * 15
    return {
        "objid": np.repeat([f"o{i}" for i in range(12)], 30),
        "hmjd": np.sort(rng.uniform(58000, 59000, (12, 30)), axis=1).ravel(),
        "mag": rng.normal(18, 0.2, n),
        "magerr": np.full(n, 0.1),
        "fid": np.tile(["g", "r"], n // 2),
        "type": np.repeat(["a", "b"], n // 2),
    }


def nested(points, time_type=pa.float64()):
    columns = {k: [points[k][i * 30 : (i + 1) * 30] for i in range(12)] for k in ("hmjd", "mag", "magerr", "fid")}
    table = {k: pa.array([list(v) for v in values]) for k, values in columns.items()}
    return {"objid": [f"o{i}" for i in range(12)], "type": ["a"] * 6 + ["b"] * 6} | table


def write(form, points, folder):
    folder.mkdir()
    if form == "flat parquet":
        pq.write_table(pa.table(points), folder / "x.parquet")
    elif form == "csv":
        pyarrow.csv.write_csv(pa.table(points), folder / "x.csv")
    elif form == "nested parquet":
        pq.write_table(pa.table(nested(points)), folder / "x.parquet")
    elif form == "nested pandas":
        table = nested(points)
        parts = {k: table.pop(k) for k in ("hmjd", "mag", "magerr", "fid")}
        table["lc"] = pa.StructArray.from_arrays(list(parts.values()), names=list(parts))
        pq.write_table(pa.table(table), folder / "x.parquet")
    elif form == "hats":
        for part, piece in (("Npix=1", slice(0, 6)), ("Npix=2", slice(6, 12))):
            below = folder / "dataset" / "Norder=0" / "Dir=0"
            below.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(nested(points)).slice(piece.start, 6), below / f"{part}.parquet")
        (folder / "dataset" / "_metadata").write_bytes(b"not a table")
        (folder / "partition_info.csv").write_text("Norder,Npix\n0,1\n0,2\n")
    else:
        from astropy.table import Table

        Table(points).write(folder / ("x.ecsv" if form == "ecsv" else "x.fits"))


FORMS = ("flat parquet", "csv", "nested parquet", "nested pandas", "hats", "ecsv", "fits")


def test_every_form_gives_the_same_records(points, tmp_path, subtests):
    expected = None
    for form in FORMS:
        with subtests.test(form):
            folder = tmp_path / form.replace(" ", "_")
            write(form, points, folder)
            done, records = prepare_and_check("light_curve_files", [folder], folder / "out")
            assert done.report.columns["time"].endswith("hmjd")
            assert done.manifest.bands == ("g", "r")
            assert done.manifest.class_names == ("a", "b")
            found = sorted(
                (r["object_id"], r["band"], int(r["label"]), r["split"], r["magnitude"].round(4).tobytes())
                for r in records
            )
            assert len(found) == 24
            expected = expected or found
            assert found == expected


def test_an_unknown_column_is_named_with_those_found(points, tmp_path):
    pq.write_table(pa.table(points), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"no column 'when'.*hmjd"):
        prepare_and_check(
            "light_curve_files", [tmp_path / "x.parquet"], tmp_path / "out", columns=ColumnNames(time="when")
        )
