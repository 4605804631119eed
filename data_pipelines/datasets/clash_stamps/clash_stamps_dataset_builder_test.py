"""clash_stamps: small mosaics of two clusters in two bands, their catalogue and votes, become stamps of the right galaxies."""

import numpy as np
import pytest

from data_pipelines.kinds.images.mosaic_catalogues import MosaicSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from data_pipelines.simulate.galaxies import VOTES
from lcjax.errors import ConfigError, DataError

fits = pytest.importorskip("astropy.io.fits")
SCALE = 0.1
"""arcsec."""
PLACES = {"1": (30, 60, 4.0), "2": (70, 40, 6.0), "3": (4, 4, 5.0), "4": (60, 80, 4.0)}
"""Galaxy -> column, row, Petrosian radius in pixels; the third is too near the edge, the fourth has bad votes."""


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    from astropy.wcs import WCS

    folder = tmp_path_factory.mktemp("release")
    rows, votes = (
        ["cluster,ID,RA,DEC,PETRO_RADIUS"],
        ["cluster,ID,band,smooth,features,irregular,point_source,unclassifiable"],
    )
    y, x = np.mgrid[:120, :100]
    for number, cluster in enumerate(("a209", "macs1206")):
        sky = WCS(naxis=2)
        sky.wcs.crpix, sky.wcs.cdelt = [50, 60], [-SCALE / 3600, SCALE / 3600]
        sky.wcs.crval, sky.wcs.ctype = [20.0 + number, -5.0], ["RA---TAN", "DEC--TAN"]
        for band, title in (("F435W", f"{cluster}_f435w_v1_drz.fits"), ("F160W", f"{cluster}_ir.fits")):
            light = sum(
                (1 + int(name)) * np.exp(-0.5 * ((x - px) ** 2 + (y - py) ** 2) / (r / 2) ** 2)
                for name, (px, py, r) in PLACES.items()
            )
            header = sky.to_header()
            if "ir" in title:
                header["FILTER"] = band
                light = light * 10
            fits.PrimaryHDU(light.astype(np.float32), header).writeto(folder / title)
        for name, (px, py, r) in PLACES.items():
            ra, dec = sky.all_pix2world(px, py, 0)
            rows.append(f"{cluster},{name},{ra},{dec},{r * SCALE}")
            bad = 0.5 if name == "4" else 0.0
            votes.append(f"{cluster},{name},f435w,{0.6 + bad},0.4,0,0,0")
            votes.append(f"{cluster},{name},F160W,{0.2 + bad},0.8,0,0,0")
    (folder / "catalogue.csv").write_text("\n".join(rows))
    (folder / "votes.csv").write_text("\n".join(votes))
    return folder


def settings(folder, **more):
    asked = {
        "catalogue": folder / "catalogue.csv",
        "table": folder / "votes.csv",
        "field": "cluster",
        "band": "band",
        "side": 16,
    }
    return MosaicSettings(**asked | more)


def test_stamps_hold_their_galaxies(release, tmp_path):
    done = prepare("clash_stamps", [release], tmp_path, fractions=(0.5, 0.0, 0.5), mosaics=settings(release))
    seen = {}
    for split in ("train", "test"):
        source = ImageSource(done.manifest.folder, split, 3, reader="plain")
        assert set(source.target_names) == set(VOTES)
        for batch in source.evaluation_batches():
            for i in np.flatnonzero(batch["weight"]):
                seen[str(batch["object_id"][i]), str(batch["band"][i])] = {k: v[i] for k, v in batch.items()}
    assert {key[0] for key in seen} == {"a209-1", "a209-2", "macs1206-1", "macs1206-2"} and len(seen) == 8
    for (name, band), row in seen.items():
        stamp = row["image"][..., 0]
        peak = (1 + int(name[-1])) * (10 if band == "F160W" else 1)
        assert stamp[6:10, 6:10].max() == pytest.approx(peak, rel=0.1) and stamp[0, 0] < 0.02 * peak
        assert row["target"][source.target_names.index("disk")] == pytest.approx(0.8 if band == "F160W" else 0.4)
        _, _, radius = PLACES[name[-1]]
        assert row["pixel_scale"] == pytest.approx(4 * radius * SCALE / 16, rel=1e-3)
    reasons = [r.reason.split(":")[0] for r in done.report.rejected]
    assert sorted(set(reasons)) == ["outside", "votes are no fractions"] and len(reasons) == 8


def test_without_votes_and_refused(release, tmp_path):
    done = prepare("clash_stamps", [release], tmp_path, mosaics=settings(release, table=None, band=None))
    assert sum(done.objects.values()) == 12  # three galaxies in two clusters and two bands
    with pytest.raises(ConfigError, match=r"give it with --mosaics.catalogue"):
        prepare("clash_stamps", [release], tmp_path / "b", mosaics=MosaicSettings())
    with pytest.raises(DataError, match=r"the galaxy '1' twice.*--mosaics.field"):
        prepare("clash_stamps", [release], tmp_path / "c", mosaics=settings(release, field=None, table=None))
    with pytest.raises(DataError, match=r"different votes on the galaxy '1'"):
        prepare("clash_stamps", [release], tmp_path / "d", mosaics=settings(release, band=None))
    with pytest.raises(DataError, match=r"no column 'cluster_name': did you mean 'cluster'"):
        prepare("clash_stamps", [release], tmp_path / "e", mosaics=settings(release, field="cluster_name"))
    with pytest.raises(ConfigError, match=r"names 2 columns: there are five"):
        MosaicSettings(votes=("a", "b"))
