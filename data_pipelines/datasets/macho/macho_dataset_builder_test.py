"""macho: archives made as the survey made them, and the real ones where they are at hand."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from data_pipelines.datasets.builder_checks import prepare_and_check

HEADER = "#Field Tile Seq RA(hour) Dec(deg)\n#1 3444 614 5.0 -69.1\n#MJD Mag Err\n"


def archive(folder: Path, star: str, bands: str, points: int = 8) -> Path:
    path = folder / f"lc_{star}.tar.bz2"
    with tarfile.open(path, "w:bz2") as tar:
        for band in bands:
            rows = "".join(f"{48823.4 + 1.03 * i:.6f} {-6.0 - 0.01 * i:.3f} 0.05\n" for i in range(points))
            text = (HEADER + rows).encode()
            info = tarfile.TarInfo(f"lc_{star}.{band}.mjd")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


def test_both_bands_of_a_star_stay_together(tmp_path):
    folder = tmp_path / "macho"
    folder.mkdir()
    for i in range(12):
        archive(folder, f"1.3444.{i}", "R" if i == 3 else "BR")
    done, records = prepare_and_check("macho", [folder], tmp_path / "out")
    assert len(records) == 23
    assert done.manifest.bands == ("B", "R")
    assert all(r["label"] == -1 for r in records)
    assert all(r["magnitude"].max() < 0 for r in records)


def test_files_of_other_surveys_are_left_alone_and_named(tmp_path):
    folder = tmp_path / "surveys"
    (folder / "ogle").mkdir(parents=True)
    for i in range(6):
        archive(folder, f"1.1.{i}", "R")
    other = folder / "ogle" / "LMC_SC1_1.dat"
    other.write_text("".join(f"{2450000 + i}.5 15.0 0.01\n" for i in range(10)))
    done, records = prepare_and_check("macho", [folder], tmp_path / "out")
    assert len(records) == 6
    assert list(done.report.other_files) == [str(other)]


def test_a_damaged_archive_is_set_aside_and_named(tmp_path):
    folder = tmp_path / "macho"
    folder.mkdir()
    for i in range(6):
        path = archive(folder, f"1.1.{i}", "BR")
    path.write_bytes(path.read_bytes()[:40])
    done, records = prepare_and_check("macho", [folder], tmp_path / "out")
    assert len(records) == 10
    assert list(done.report.bad_files) == [str(path)]


def test_real_archives(tmp_path):
    shared = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    root = Path(os.environ.get("LCJAX_DATA", shared)) / "macho_ogle2_originals" / "macho"
    if not root.is_dir():
        pytest.skip("no original MACHO archives at hand (set LCJAX_DATA)")
    done, records = prepare_and_check("macho", [root], tmp_path / "out")
    assert len(records) + len(done.report.rejected) == sum(1 for p in root.iterdir()) * 2 - 1
