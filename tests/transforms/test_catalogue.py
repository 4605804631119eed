"""Catalogue numbers before they are standardised."""

import jax.numpy as jnp
import numpy as np

from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.transforms.catalogue import MAGNITUDES, catalogue_features


def test_each_column_by_its_rule_in_numpy_and_jax():
    names = ("j_mag", "parallax", "l", "b", "period", "ruwe")
    rows = np.array([[10.0, 10.0, 60.0, 30.0, 100.0, 1.5], [10.0, -3.0, 180.0, -90.0, -1.0, np.nan]])
    expected = [[5.0, 10.0, 0.5, 0.5, 2.0, 1.5], [0.0, -3.0, -1.0, -1.0, np.nan, np.nan]]
    np.testing.assert_allclose(catalogue_features(rows, names), expected, atol=1e-12)
    np.testing.assert_allclose(catalogue_features(jnp.asarray(rows), names), expected, atol=1e-5)


def test_without_a_parallax_magnitudes_stay_and_a_missing_one_is_missing():
    assert catalogue_features(np.array([[3.0]]), ("j_mag",)).tolist() == [[3.0]]
    assert np.isnan(catalogue_features(np.array([[3.0, np.nan]]), ("j_mag", "parallax"))).all()


def test_published_columns():
    assert len(METADATA) == 34 and len(PHOTOMETRIC) == 4 and set(MAGNITUDES) <= set(METADATA)
