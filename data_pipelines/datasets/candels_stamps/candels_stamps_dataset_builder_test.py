"""candels_stamps: one field in one band; radii in pixels; a mosaic whose band is open is refused."""

import numpy as np
import pytest

from data_pipelines.datasets.candels_stamps import candels_stamps_dataset_builder
from data_pipelines.datasets.mosaic_builder import MosaicBuilder
from data_pipelines.kinds.images.mosaic_catalogues import MosaicSettings
from data_pipelines.kinds.images.mosaics import cut_out
from data_pipelines.prepare import prepare
from lcjax.errors import ConfigError, DataError

fits = pytest.importorskip("astropy.io.fits")


def test_one_field(tmp_path):
    from astropy.wcs import WCS

    sky = WCS(naxis=2)
    sky.wcs.crpix, sky.wcs.cdelt, sky.wcs.crval = [50, 50], [-1e-5, 1e-5], [53.0, -27.0]
    sky.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    light = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float32)
    light[:, 80:] = np.nan
    (tmp_path / "m").mkdir()
    file = tmp_path / "m" / "gs_f160w.fits"
    fits.PrimaryHDU(light, sky.to_header()).writeto(file)
    lines = ["ID,RA,DEC,PETRO_RADIUS"]
    for name, (x, y) in {"7": (30, 30), "8": (60, 40), "9": (88, 50), "10": (50, 50)}.items():
        ra, dec = sky.all_pix2world(x, y, 0)
        lines.append(f"{name},{ra},{dec},{'' if name == '10' else 5}")
    (tmp_path / "c.csv").write_text("\n".join(lines))
    (tmp_path / "v.csv").write_text(
        "ID,smooth,features,irregular,point_source,unclassifiable\n7,1,0,0,0,0\n8,0,0.4,0.6,0,0\n"
    )
    asked = MosaicSettings(tmp_path / "c.csv", tmp_path / "v.csv", radius_unit=0.036, side=8)
    done = prepare("candels_stamps", [file], tmp_path / "D", fractions=(1, 0, 0), mosaics=asked)
    assert done.objects == {"train": 2}
    assert sorted(r.reason.split(":")[0] for r in done.report.rejected) == ["no data", "no place or Petrosian radius"]
    file.rename(tmp_path / "m" / "gs.fits")
    with pytest.raises(ConfigError, match=r"the band of .* is none: write FILTER"):
        prepare("candels_stamps", [tmp_path / "m"], tmp_path / "E", mosaics=asked)


def test_cut_out_is_centred_and_never_wraps():
    image = np.arange(100.0).reshape(10, 10)
    assert cut_out(image, 4.5, 4.5, 2.0)[0, 0] == 33 and cut_out(image, 4.5, 4.5, 2.0).shape == (4, 4)
    assert cut_out(image, 0.0, 5.0, 2.0) is None and cut_out(image, 8.5, 5.0, 2.0) is None


def test_mosaics_are_needed():
    with pytest.raises(DataError, match="dataset 'candels_stamps' needs the mosaics of the survey"):
        prepare("candels_stamps", [], "nowhere")
    assert issubclass(candels_stamps_dataset_builder.Builder, MosaicBuilder)
