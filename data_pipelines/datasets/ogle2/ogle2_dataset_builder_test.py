"""ogle2: text files with heliocentric Julian dates, labels in a table beside them."""

import numpy as np

from data_pipelines.datasets.builder_checks import prepare_and_check


def test_julian_dates_and_labels(tmp_path):
    folder = tmp_path / "ogle"
    folder.mkdir()
    rows = ["file,label,n"]
    for i in range(20):
        time = 2450729.8 + np.arange(30) * 2.02
        table = np.column_stack([time, 15 + 0.1 * np.sin(time), np.full(30, 0.003)])
        np.savetxt(folder / f"LMC_SC1_{i}.dat", table)
        rows.append(f"LMC_SC1_{i}.dat,{'cepheid' if i % 2 else 'quasar'},30")
    (folder / "ogle2_labels.csv").write_text("\n".join(rows))
    done, records = prepare_and_check("ogle2", [folder], tmp_path / "out")
    assert done.manifest.class_names == ("cepheid", "quasar")
    assert len(records) == 20
    assert done.manifest.facts["times"] == "JD (its range)"
    middle = 2450729.8 + 29 * 2.02 / 2 - 2400000.5
    np.testing.assert_allclose([np.frombuffer(r["reference_mjd"], "<f8")[0] for r in records], middle, atol=1e-6)
    assert all(50000 < r["reference_mjd"] < 51000 for r in records)


def test_a_line_that_is_no_number_is_dropped_and_counted(tmp_path):
    path = tmp_path / "star.dat"
    path.write_text("".join(f"{2450000 + i}.5 15.0 0.01\n" for i in range(10)) + "oops 15.0 0.01\n")
    done, records = prepare_and_check("ogle2", [path], tmp_path / "out")
    assert records[0]["length"] == 10
    assert done.report.points_dropped["time not finite"] == 1
