"""What simulated stars really are, as a table."""

import numpy as np
import pytest

from data_pipelines.simulate import simulate_light_curves
from data_pipelines.simulate.truth_table import TRUTH, TruthTable, read_truth
from lcjax.errors import DataError


def test_every_curve_is_there_once_with_its_true_class(tmp_path):
    table, curves = TruthTable(), lambda: simulate_light_curves(12, 0, ["crts_sss"], label_noise=0.5)
    for _ in range(2):
        assert len(list(table.watch(curves()))) == 12
    table.write(tmp_path)
    found = read_truth(tmp_path)
    assert len(set(found["object_id"])) == 12 == len(found["class"])
    assert np.array_equal(found["class"] != found["label"], found["mislabelled"] > 0) and found["mislabelled"].any()
    assert {"period", "amplitude", "r21", "phi21", "r31", "phi31", "band"} <= set(found)
    (tmp_path / TRUTH).write_bytes(b"PAR1")
    with pytest.raises(DataError, match="damaged"):
        read_truth(tmp_path)
    with pytest.raises(DataError, match="no simulated dataset"):
        read_truth(tmp_path / "elsewhere")
