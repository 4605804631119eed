"""SNANA's text files and FITS pairs: every supernova with its own points, and what does not fit together is said."""

import gzip

import numpy as np
import pytest

from data_pipelines.sources import read_light_curves
from data_pipelines.sources.snana import is_snana_text
from lcjax.errors import DataError

TEXT = """\
SURVEY: DES    # the survey
SNID:  {snid}
RA: 52.5 deg
DECL: -27.25 deg
FILTERS: gr
SNTYPE: {kind}
NOBS: {promised}
VARLIST:  MJD     FLT FIELD   FLUXCAL  FLUXCALERR
{rows}
END:
"""
ROWS = [(56000.0 + i, "gr"[i % 2], 100.0 + i if i else -5.0, 2.0) for i in range(8)]


def text(snid="1248677", kind="1", promised=8, rows=ROWS):
    lines = [f"OBS: {mjd:.3f} {band} X3 {flux:.2f} {error:.2f}" for mjd, band, flux, error in rows]
    return TEXT.format(snid=snid, kind=kind, promised=promised, rows="\n".join(lines))


def curves(*paths, **more):
    return {(c.object_id, c.band): c for c in read_light_curves(paths, **more)}


def test_text_files(tmp_path):
    (tmp_path / "des_1.dat").write_text(text())
    (tmp_path / "des_2.txt").write_text(text("0042", "-9"))
    (tmp_path / "des_3.dat.gz").write_bytes(gzip.compress(text("x", "Ia").encode()))
    (tmp_path / "README.txt").write_text("light curves\n")
    (tmp_path / "ogle.dat").write_text("".join(f"{2450000.5 + i} 15.1 0.01\n" for i in range(6)))
    assert not is_snana_text(tmp_path / "ogle.dat") and not is_snana_text(tmp_path / "README.txt")
    found = curves(tmp_path)
    assert set(found) == {(n, b) for n in ("1248677", "0042", "x") for b in "gr"} | {("ogle", "")}
    one = found["1248677", "r"]
    assert one.fluxes.mjd.tolist() == [56001.0, 56003.0, 56005.0, 56007.0] and one.fluxes.flux.tolist() == [
        101,
        103,
        105,
        107,
    ]
    assert one.fluxes.kind == "difference_flux" and one.fluxes.zero_point == 27.5
    assert one.metadata["ra"] == 52.5 and one.label == "1" and found["0042", "g"].label is None
    assert found["1248677", "g"].fluxes.flux[0] == -5.0  # a flux below the template's is a flux


def test_fluxes_go_before_magnitudes(tmp_path):
    """A flux below the template's has no magnitude, and that of a difference is none of a star."""
    content = text().replace("FLUXCALERR", "FLUXCALERR MAG MAGERR").replace(" 2.00\n", " 2.00 22.5 0.02\n")
    (tmp_path / "a.dat").write_text(content.replace(" 2.00 22.5", " 2.00 128.0", 1))
    one = curves(tmp_path / "a.dat")["1248677", "g"]
    assert one.fluxes.kind == "difference_flux" and one.fluxes.flux[0] == -5.0


@pytest.mark.parametrize(
    "content,why",
    [
        (text(promised=9), r"promises 9 observations \(NOBS\) and has 8"),
        (text() .replace("X3 101.00", "101.00"), "has 4 values in line 10 where its VARLIST names 5"),
        (text().replace("SNID:", "NAME:"), "no SNID"),
        (text() + text("7"), "goes on with 'SNID:' in line 19"),
        (text().replace("END:\n", "") + text("7"), "goes on with 'SNID:'"),
        (text() + "OBS: 56009.0 g X3 1.0 1.0\n", "goes on with 'OBS:'"),
        (text().replace("FILTERS:", "RA: 53.5 deg\nFILTERS:"), "says RA: twice, in two ways"),
        (text().replace("FLT FIELD", "FLUXCAL FIELD"), "a variable twice"),
    ],
)  # fmt: skip
def test_text_that_does_not_fit(tmp_path, content, why):
    (tmp_path / "a.dat").write_text(content)
    with pytest.raises(DataError, match=why):
        curves(tmp_path / "a.dat")


@pytest.fixture
def pair(tmp_path):
    """Three supernovae of 6, 4 and 5 points, with a row of -777 behind each."""
    fits = pytest.importorskip("astropy.io.fits", reason="FITS needs astropy (extra data)")
    counts, rows, first = (6, 4, 5), [], []
    for number, count in enumerate(counts):
        first.append(len(rows) + 1)
        rows += [(57000.0 + i, "gr"[i % 2], 10.0 * (number + 1) + i, 1.5) for i in range(count)]
        rows.append((-777.0, "-", -777.0, -777.0))
    columns = [fits.Column(n, f, array=list(a)) for n, f, a in zip(("MJD", "BAND", "FLUXCAL", "FLUXCALERR"), ("D", "2A", "E", "E"), zip(*rows, strict=True), strict=True)]  # fmt: skip
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "LSST_NONIaMODEL0-0001_PHOT.FITS")
    head = [
        fits.Column("SNID", "16A", array=["11", "12", "13"]),
        fits.Column("RA", "D", array=[1.0, 2.0, 3.0]),
        fits.Column("PTROBS_MIN", "J", array=first),
        fits.Column("PTROBS_MAX", "J", array=np.add(first, counts) - 1),
        fits.Column("SNTYPE", "J", array=[110, 0, 112]),
    ]
    fits.BinTableHDU.from_columns(head).writeto(tmp_path / "LSST_NONIaMODEL0-0001_HEAD.FITS")
    return tmp_path


def test_pairs(pair, monkeypatch):
    monkeypatch.setattr("data_pipelines.sources.snana._TOGETHER", 2)
    found = curves(pair)
    assert {key: c.fluxes.flux.tolist() for key, c in found.items()} == {
        ("11", "g"): [10, 12, 14], ("11", "r"): [11, 13, 15],
        ("12", "g"): [20, 22], ("12", "r"): [21, 23],
        ("13", "g"): [30, 32, 34], ("13", "r"): [31, 33],
    }  # fmt: skip
    assert found["13", "g"].metadata["ra"] == 3.0 and found["11", "g"].label == "110" and found["12", "g"].label is None


def test_pairs_that_do_not_fit(pair):
    from astropy.io import fits

    phot, head = sorted(pair.iterdir(), key=lambda p: "HEAD" in p.name)
    with fits.open(head, mode="update") as units:
        units[1].data["PTROBS_MAX"][2] += 1
    with pytest.raises(DataError, match="run over the end of a supernova"):
        curves(phot)
    with fits.open(head, mode="update") as units:
        units[1].data["PTROBS_MAX"][2] -= 2
    with pytest.raises(DataError, match="has 15 points, and its _HEAD file speaks of 14"):
        curves(phot)
    head.unlink()
    with pytest.raises(DataError, match="without its _HEAD file"):
        curves(phot)


@pytest.mark.parametrize(
    "change,why",
    [
        ({"SNID": ["11", "12", "11"]}, "has the supernova '11' twice"),
        ({"NOBS": [6, 3, 5]}, r"gives 12 3 points \(NOBS\) and the rows of 4"),
        ({"PTROBS_MIN": [1, 1, 13], "PTROBS_MAX": [6, 4, 17]}, "gives some points to both '1[12]' and '1[12]'"),
    ],
)
def test_heads_that_contradict_themselves(pair, change, why):
    from astropy.table import Table

    head = next(pair.glob("*HEAD*"))
    table = Table.read(head)
    for name, values in change.items():
        table[name] = values
    table.write(head, format="fits", overwrite=True)
    with pytest.raises(DataError, match=why):
        curves(next(pair.glob("*PHOT*")))


def test_a_changed_byte_of_the_points(pair):
    from astropy.io import fits

    phot = next(pair.glob("*PHOT*"))
    with fits.open(phot) as units:
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(units[1].data.copy())]).writeto(
            phot, overwrite=True, checksum=True
        )
    assert len(curves(phot)) == 6
    content = bytearray(phot.read_bytes())
    content[5760 + 10] ^= 1  # a FLUXCAL of the first row
    phot.write_bytes(content)
    with pytest.raises(DataError, match=r"PHOT\.FITS': the data have changed since DATASUM"):
        curves(phot)
