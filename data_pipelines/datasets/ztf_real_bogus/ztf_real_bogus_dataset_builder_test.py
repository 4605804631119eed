"""ztf_real_bogus: stamps of packets as images, classes by a table."""

import pytest

from data_pipelines.datasets.alert_checks import atlas_packet, container, packet
from data_pipelines.datasets.alert_image_builder import AlertImageBuilder
from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from data_pipelines.sources.alerts import Alert, read_alerts
from lcjax.errors import ConfigError, DataError

OTHER = {"ztf": atlas_packet, "atlas": lambda number: container([packet(number)])}["ztf"]


def test_packets_become_images(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.avro").write_bytes(container([packet(number)]))
    known = [alert for alert in read_alerts(tmp_path, need_stamps=("science",)) if isinstance(alert, Alert)]
    (tmp_path / "other.avro").write_bytes(OTHER(9))
    table = tmp_path / "labels.csv"
    rows = [f"{alert.alert_id},{'real' if i % 2 else 'bogus'}" for i, alert in enumerate(known)]
    table.write_text("\n".join(["object_id,label", *rows]))
    with pytest.raises(ConfigError, match="do not say which alerts are real"):
        prepare("ztf_real_bogus", [tmp_path], tmp_path / "D")
    settings = ImageSettings(table=table, channel_names=("science", "difference"), size=21)
    done = prepare("ztf_real_bogus", [tmp_path], tmp_path / "D", shards=1, fractions=(1.0, 0.0, 0.0), images=settings)
    assert done.report.kept == 4 and "another survey" in done.report.reasons()
    source = ImageSource(done.manifest.folder, "train", 4, reader="plain")
    (batch,) = source.evaluation_batches()
    assert source.channel_names == ("science", "difference") and sorted(batch["label"].tolist()) == [0, 0, 1, 1]
    full = [(alert.object_id, alert.stamps["science"].pixels) for alert in known]
    off = (63 - 21) // 2
    for name, image in zip(batch["object_id"], batch["image"], strict=True):
        own = [pixels[off : off + 21, off : off + 21] for object_id, pixels in full if object_id == name]
        assert any((image[..., 0] == pixels).all() for pixels in own)


def test_both_surveys_are_builders_of_alert_images():
    from data_pipelines.datasets import find_builder

    for name in ("ztf_real_bogus", "atlas_real_bogus"):
        assert issubclass(find_builder(name), AlertImageBuilder)


def test_a_table_of_other_alerts_is_said(tmp_path):
    (tmp_path / "0.avro").write_bytes(container([packet(0)]))
    table = tmp_path / "labels.csv"
    table.write_text("object_id,label\nother,real\n")
    with pytest.raises(DataError, match="has a class for none of the stamps"):
        prepare("ztf_real_bogus", [tmp_path], tmp_path / "D", images=ImageSettings(table=table))
