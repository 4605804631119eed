"""Rubin packets through the builder; alerts of another survey are set aside."""

import gzip
import io

import fastavro
import numpy as np

from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify

SCHEMA = {
    "type": "record",
    "name": "alert",
    "namespace": "lsst.v42_0",
    "fields": [
        {
            "name": "diaSource",
            "type": {
                "type": "record",
                "name": "diaSource",
                "fields": [
                    *({"name": n, "type": "long"} for n in ("diaSourceId", "diaObjectId")),
                    {"name": "ssObjectId", "type": ["null", "long"]},
                    *({"name": n, "type": "double"} for n in ("midpointMjdTai", "ra", "dec", "snr", "reliability")),
                    {"name": "band", "type": "string"},
                    {"name": "isNegative", "type": "boolean"},
                ],
            },
        },
        *({"name": f"cutout{n}", "type": ["null", "bytes"]} for n in ("Science", "Template", "Difference")),
    ],
}
WCS = {"CD1_1": -5e-5, "CD2_2": 5e-5}


def rubin(number: int) -> dict:
    source = {
        "diaSourceId": 10**17 + number,
        "diaObjectId": 2 * 10**17 + number // 2,
        "ssObjectId": 5 if number % 3 == 0 else None,
    }
    source |= {"midpointMjdTai": 61000.5 + number, "ra": 10.0, "dec": 5.0, "snr": 6.0, "reliability": 0.5}
    cutouts = {
        f"cutout{n}": fits_bytes(stamp(number + k, 30), WCS)
        for k, n in enumerate(("Science", "Template", "Difference"))
    }
    return {"diaSource": source | {"band": "ugrizy"[number % 6], "isNegative": bool(number % 2)}, **cutouts}


def test_alerts_become_records(tmp_path):
    out = io.BytesIO()
    fastavro.writer(out, SCHEMA, [rubin(i) for i in range(24)] + [rubin(30) | {"cutoutTemplate": None}])
    (tmp_path / "night.avro.gz").write_bytes(gzip.compress(out.getvalue()))
    (tmp_path / "other.avro").write_bytes(container([packet(1)]))
    done = prepare("lsst_alerts", [tmp_path], tmp_path / "out", shards=1)
    assert verify(done.manifest.folder) == []
    assert (done.report.alerts_read, done.report.alerts_kept, done.report.objects) == (26, 24, 12)
    assert sorted(done.report.reasons()) == ["another survey", "missing cutout"]
    assert done.manifest.class_names == ("asteroid",) and done.manifest.bands == tuple("giruyz")
    batch = next(StampSource(done.manifest.folder, "train", 4, reader="plain").train_batches())[1]
    assert batch["stamps"].shape == (4, 30, 30, 3)
    np.testing.assert_allclose(batch["pixel_scale"], 0.18, rtol=1e-6)
    names = StampSource(done.manifest.folder, "train", 4).metadata_names
    np.testing.assert_array_equal(batch["metadata"][:, names.index("isNegative")], (batch["alert_id"] - 10**17) % 2)
