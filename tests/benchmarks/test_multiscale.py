import json

import numpy as np

from benchmarks import multiscale
from benchmarks.injected_alerts import RealAlerts, injected, read_real_alerts, split_objects
from data_pipelines.simulate.stamp_classes import CLASS_NAMES
from tests.data_pipelines.test_stamp_simulation import field


def real_alerts():
    stamps = np.stack([field(i % 3) for i in range(20)])
    return RealAlerts(stamps, np.array([f"o{i // 2}" for i in range(20)]), np.repeat([-1, 4, 4, 1, -1], 4))


def test_no_object_is_on_both_sides():
    real = real_alerts()
    for seed in range(3):
        train, test = split_objects(real, seed)
        assert not set(train.object_id) & set(test.object_id)
        assert len(train.stamps) + len(test.stamps) == 20 and len(test.stamps)


def test_injected_classes_are_balanced_and_repeatable():
    sample = injected(real_alerts(), 2, 7, real_share=0.5)
    assert np.bincount(sample.label).tolist() == [2] * len(CLASS_NAMES)
    np.testing.assert_array_equal(sample.stamps, injected(real_alerts(), 2, 7, real_share=0.5).stamps)


def test_bytes_of_the_scenarios():
    stamps = np.nan_to_num(field(0))[None]
    sizes = {name: multiscale.stored_bytes(name, stamps)["bytes"] for name in multiscale.CASES}
    assert sizes["cropped"] == sizes["low resolution"] == sizes["multiscale"] == 16 * 16 * 3 * 4
    assert sizes["full"] == 63 * 63 * 3 * 4 and sizes["rings"] == 12 + 208 * 3 * 4


def test_it_runs_from_real_alerts_to_a_table(data_root, tmp_path, capsys):
    folder = data_root / "ztf_alerts" / "kowalski_avro"
    assert len(read_real_alerts(folder).stamps) > 10
    out, picture = tmp_path / "m.json", tmp_path / "m.png"
    options = ["--cases", "rings", "--repeats", "2", "--steps", "2", "--batch", "4"]
    options += ["--train-per-class", "2", "--test-per-class", "2", "--out", str(out), "--picture", str(picture)]
    labels = data_root / "ztf_alerts" / "index.csv"
    assert multiscale.main(["--alerts", str(folder), "--labels", str(labels), *options]) == 0
    assert "macro F1" in capsys.readouterr().out and picture.stat().st_size > 10_000
    case = json.loads(out.read_text())["cases"]["rings"]
    assert len(case["macro_f1"]) == 2 and 0 <= case["mean"] <= 1 and case["real"]["alerts"] > 0
