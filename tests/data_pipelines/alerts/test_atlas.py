"""ATLAS packets, made up in the form of the real ones and real: one record, stamps as astropy reads them, what is missing named."""

import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits

from data_pipelines.datasets.alert_checks import atlas_packet, fits_bytes, stamp
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, StampRules, read_alerts, read_packets
from data_pipelines.sources.alerts.avro_container import read_containers
from lcjax.errors import Rejection

PAIR = ("science", "difference")


def tiled(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    image = fits.CompImageHDU(pixels, compression_type="GZIP_1", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(out)
    return out.getvalue()


def one(data: bytes, rules: StampRules | None = None) -> Alert | Rejection:
    (found,) = read_packets(data, origin="x", rules=rules or StampRules(need=PAIR))
    return found


@pytest.mark.parametrize("pack", [fits_bytes, lambda p: gzip.compress(fits_bytes(p)), tiled])
def test_a_packet(pack):
    alert = one(atlas_packet(3, pack))
    assert (alert.survey, alert.object_id, alert.alert_id) == ("atlas", "1103", 1600010002000003)
    assert (alert.mjd, alert.ra, alert.dec, alert.band) == (60001.25, 10.0, -5.0, "o")
    assert alert.metadata["Mag"] == 18.5 and alert.metadata["candid"] == "01a60001o0002c_000003"
    assert set(alert.stamps) == set(PAIR) and alert.stamps["science"].pixel_scale == 1.86
    np.testing.assert_array_equal(alert.stamps["difference"].pixels, stamp(31, 61))


def test_what_is_missing_is_said():
    assert one(atlas_packet(3), StampRules()).reason == "missing cutout: template"
    assert one(atlas_packet(3, side=60)).reason == "stamp size: science is 60x60, not 61x61"
    assert one(atlas_packet(3, candid="new")).reason.startswith("unusable id: candid")
    assert one(atlas_packet(3, candid="9" * 40)).reason.startswith("unusable id: candid")
    assert one(atlas_packet(3, Dec=95.0)).reason.startswith("impossible position")


def test_real_packets(data_root):
    paths = sorted((data_root / "atlas_alerts").glob("*.avro"))
    if not paths:
        pytest.skip("no ATLAS alerts at hand")
    assert {a.reason for a in read_alerts(paths, need_stamps=STAMP_NAMES)} == {"missing cutout: template"}
    found = list(read_alerts(paths, need_stamps=PAIR))
    assert len({a.alert_id for a in found}) == len(paths)
    for path, alert in zip(paths, found, strict=True):
        with open(path, "rb") as file:
            (packet,) = read_containers(file)
        assert alert.ra == packet["candidate"]["RA"] and alert.band == packet["candidate"]["filter"]
        assert alert.stamps["science"].pixel_scale == pytest.approx(1.86, abs=0.01)
        for name in PAIR:
            data = packet[f"cutout{name.capitalize()}"]["stampData"]
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            with warnings.catch_warnings(), fits.open(io.BytesIO(data)) as hdus:
                warnings.simplefilter("ignore")
                image = next(hdu.data for hdu in hdus if hdu.data is not None)
            np.testing.assert_array_equal(alert.stamps[name].pixels, image)
