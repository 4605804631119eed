"""Files as MACHO and OGLE handed them out, made up here: names, columns, broken lines, archives."""

import bz2
import io
import tarfile

import numpy as np
import pytest

from data_pipelines.sources import originals
from data_pipelines.sources.light_curve import RawLightCurve
from data_pipelines.sources.originals import macho_keys, read_macho, read_text
from lcjax.errors import ConfigError, DataError

MJD = "# MJD mag err\n48823.1 -7.5 0.01\n48824.2,-7.4,0.02\n\n48825.3 -7.3\n48826.4 x 0.04\n"


def tar(path, members):
    with tarfile.open(path, "w:bz2") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        folder = tarfile.TarInfo("folder.mjd")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return path


def assert_rows(curve):
    np.testing.assert_allclose(curve.mjd, [48823.1, 48824.2, np.nan, np.nan])
    np.testing.assert_allclose(curve.magnitude, [-7.5, -7.4, np.nan, np.nan])
    np.testing.assert_allclose(curve.magnitude_error, [0.01, 0.02, np.nan, np.nan])
    assert curve.mjd.dtype == np.float64


def test_both_bands_of_a_macho_archive(tmp_path):
    names = ("lc_1.3319.11/lc_1.3319.11.B.mjd", "lc_1.3319.11/lc_1.3319.11.R.mjd")
    path = tar(tmp_path / "lc_1.3319.11.tar.bz2", {"README": "no", **dict.fromkeys(names, MJD)})
    found = list(read_macho(path))
    assert [(c.object_id, c.band, c.origin) for c in found] == [
        ("1.3319.11", "B", f"{path}:{names[0]}"),
        ("1.3319.11", "R", f"{path}:{names[1]}"),
    ]
    assert len(found) == 2
    for curve in found:
        assert_rows(curve)
        assert curve.label is None and curve.metadata == {}


def test_an_unpacked_file_and_one_of_another_name(tmp_path):
    (tmp_path / "lc_1.2.3.R.mjd").write_text(MJD)
    (tmp_path / "star.mjd").write_text(MJD)
    (one,), (other,) = read_macho(tmp_path / "lc_1.2.3.R.mjd"), read_macho(tmp_path / "star.mjd")
    assert (one.object_id, one.band) == ("1.2.3", "R") and (other.object_id, other.band) == ("star", "")
    assert_rows(one)


def test_ogle_text_has_the_star_and_band_it_is_given(tmp_path):
    (tmp_path / "lmc_sc1_10.dat").write_text("2450833.7 16.5 0.01 more\n# note\n2450834.7 16.6 0.02\n")
    (curve,) = read_text(tmp_path / "lmc_sc1_10.dat", "lmc_sc1_10", "I")
    assert (curve.object_id, curve.band, curve.label) == ("lmc_sc1_10", "I", None)
    np.testing.assert_allclose(curve.mjd, [50833.2, 50834.2], rtol=0, atol=1e-9)
    assert curve.magnitude_error.tolist() == [0.01, 0.02]
    with pytest.raises(DataError, match="cannot be read: No such file"):
        list(read_text(tmp_path / "nowhere.dat", "a"))


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
def test_files_without_rows_are_named(tmp_path, text):
    for path, read in ((tmp_path / "a.dat", lambda path: read_text(path, "a")), (tmp_path / "lc_a.B.mjd", read_macho)):
        path.write_text(text)
        with pytest.raises(DataError, match=f"'{path}' holds no light-curve rows"):
            list(read(path))


def test_archives_are_bounded_and_damage_is_named(tmp_path, monkeypatch):
    path = tar(tmp_path / "lc_1.tar.bz2", {"lc_1.B.mjd": MJD})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read as a MACHO archive"):
        list(read_macho(path))
    path.write_bytes(whole)
    monkeypatch.setattr(originals, "MAX_MEMBER_BYTES", len(MJD) - 1)
    with pytest.raises(DataError, match=r"holds 'lc_1\.B\.mjd' of 79 bytes"):
        list(read_macho(path))


def test_a_raw_light_curve_is_as_it_was_found():
    mjd = np.array([3.0, 1.0, np.nan])
    one, other = (RawLightCurve("a", "", mjd, mjd, mjd) for _ in range(2))
    assert one.mjd is mjd and one != other  # compared as things: arrays have no single truth
    assert one.metadata == {} and one.metadata is not other.metadata and one.label is None and one.origin == ""


def test_times_of_macho_are_checked_by_their_range(tmp_path):
    rows = "".join(f"{{:.4f}} -7.{i} 0.01\n" for i in range(6))
    write = lambda first: (tmp_path / "lc_1.2.3.R.mjd").write_text(rows.format(*(first + i for i in range(6))))
    said = []
    for first, time_format, words in (
        (48_823.25, "auto", "MJD (its name)"),
        (2_448_823.75, "auto", "JD (its range, not MJD (its name))"),
        (-1_176.25, "jd-2450000", "JD-2450000"),
    ):
        write(first)
        (curve,) = read_macho(tmp_path / "lc_1.2.3.R.mjd", time_format, said.append)
        np.testing.assert_allclose(curve.mjd, 48_823.25 + np.arange(6))
        assert said[-1] == {"times": words}
    write(336.5)  # days of something else
    with pytest.raises(ConfigError, match=r"holds times around 339.0, as MJD .*--columns.time-format"):
        list(read_macho(tmp_path / "lc_1.2.3.R.mjd"))


def test_a_damaged_header_does_not_hide_a_band(tmp_path):
    """To tarfile alone, the archive ends there."""
    names = ("lc_1.B.mjd", "lc_1.R.mjd")
    whole = bz2.decompress(tar(tmp_path / "lc_1.tar.bz2", dict.fromkeys(names, MJD)).read_bytes())
    damaged = bytearray(whole)
    damaged[1024 + 148] ^= 1  # the sum of the second header
    (tmp_path / "lc_2.tar.bz2").write_bytes(bz2.compress(damaged))
    with pytest.raises(DataError, match=r"cannot be read as a MACHO archive .*bad checksum") as said:
        list(read_macho(tmp_path / "lc_2.tar.bz2"))
    assert "\n" not in str(said.value)
    (tmp_path / "lc_3.tar.bz2").write_bytes(bz2.compress(whole[:1024]))
    with pytest.raises(DataError, match="ends without its end mark"):
        list(macho_keys(tmp_path / "lc_3.tar.bz2"))
    (tmp_path / "lc_4.tar.bz2").write_bytes(bz2.compress(whole) * 2)
    with pytest.raises(DataError, match=r"holds 'lc_1\.B\.mjd' twice"):
        list(read_macho(tmp_path / "lc_4.tar.bz2"))
