"""Scalers of known objects, classes alike; ranges from a table."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.systems.svdd.config import FeatureInputs
from lcjax.systems.svdd.scaler import fit_scaler, read_ranges, scale


def test_classes_count_alike():
    features = np.concatenate([np.zeros(900), np.linspace(1, 2, 100)])[:, None]
    label = np.repeat([0, 1], [900, 100])
    scaler = fit_scaler(FeatureInputs(quantiles=101, feature_names=("x",)), features, label)
    assert abs(float(np.asarray(scale("quantile", scaler["table"], np.array([[1.5]])))[0, 0]) - 0.75) < 0.02


def test_ranges(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("family,low,high,logarithm,clip\nAmplitude,0,2,,\nPeriod,0.1,1000,true,\n")
    inputs = FeatureInputs(feature_names=("Amplitude_1", "Period"), scaling="ranges", ranges=str(path))
    scaler = fit_scaler(inputs, np.ones((4, 2)), np.zeros(4, int))
    found = np.asarray(scale("ranges", scaler["table"], np.array([[1.0, 10.0], [np.nan, -1.0]])))
    np.testing.assert_allclose(found, [[np.tanh(0.0), np.tanh(0.0)], [-1.1, -1.1]], atol=1e-6)
    with pytest.raises(ConfigError, match="no range is given for the feature 'Skew'"):
        fit_scaler(dataclasses.replace(inputs, feature_names=("Skew", "Period")), np.ones((4, 2)), np.zeros(4, int))
    path.write_text("name,low\na,1\n")
    with pytest.raises(ConfigError, match="no table of ranges"):
        read_ranges(str(path))
    with pytest.raises(ConfigError, match="there is no file ''"):
        read_ranges("")
