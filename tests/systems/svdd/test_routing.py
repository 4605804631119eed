"""Objects go to the detector of their group; scores of groups are comparable; saved hierarchies are the same."""

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError, WeightsError
from lcjax.systems.svdd.detectors import fit_detector
from lcjax.systems.svdd.routing import HierarchicalDetector, load_hierarchy
from tests.systems.svdd.conftest import CLASSES, NAMES, SMALL


def test_routing(blobs, tmp_path):
    parts = {"one": (0, 1), "two": (2,)}
    fit = lambda members: fit_detector(
        "ecod",
        blobs.features,
        np.where(np.isin(blobs.label, members), np.searchsorted(members, blobs.label), -1),
        NAMES,
        [CLASSES[c] for c in members],
        SMALL,
    )
    detectors = {name: fit(members) for name, members in parts.items()}
    known = {name: blobs.features[np.isin(blobs.label, members)] for name, members in parts.items()}
    whole = HierarchicalDetector.of(detectors, known)
    two = (blobs.label == 2).astype(float)
    found = whole.score(blobs.features, {"one": 1 - two, "two": two})
    assert (found.group[blobs.label == 2] == "two").all() and (found.group[blobs.label != 2] == "one").all()
    np.testing.assert_array_equal(
        found.score[blobs.label == 2], detectors["two"].score(blobs.features[blobs.label == 2])
    )
    assert found.share[blobs.label == 3].mean() > 0.95 and 0.35 < found.share[blobs.label == 2].mean() < 0.65
    whole.save(tmp_path / "h")
    again = load_hierarchy(tmp_path / "h").score(blobs.features, {"two": two, "one": 1 - two})
    np.testing.assert_array_equal(again.share, found.share)
    with pytest.raises(DataError, match="no probabilities of the group 'two'"):
        whole.score(blobs.features, {"one": two})
    with pytest.raises(DataError, match="object 3 has probabilities that are not finite"):
        whole.score(blobs.features, {"one": two, "two": np.where(np.arange(len(two)) == 3, np.nan, two)})
    with pytest.raises(ConfigError, match="for the same groups"):
        HierarchicalDetector.of(detectors, {"one": known["one"]})
    with pytest.raises(WeightsError, match="no sound hierarchy"):
        load_hierarchy(tmp_path)
