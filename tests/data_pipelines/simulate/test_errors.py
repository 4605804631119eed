"""Quoted errors and true noise follow the tables they are made from."""

import numpy as np
import pytest

from data_pipelines.simulate import errors
from data_pipelines.simulate.errors import ErrorLaw

LAWS = {name: law for name, law in vars(errors).items() if isinstance(law, ErrorLaw)}


def spread_free(**more):
    plain = dict(object_spread=0.0, point_spread=0.0, truth_spread=0.0)
    return ErrorLaw((10.0, 12.0), (0.01, 0.04), (2.0, 0.5), **(plain | more))


def test_between_nodes_errors_are_interpolated_in_the_logarithm_and_held_beyond():
    quoted, noise = spread_free().errors(np.random.default_rng(0), np.array([9.0, 10, 11, 12, 15]))
    np.testing.assert_allclose(quoted, [0.01, 0.01, 0.02, 0.04, 0.04])
    np.testing.assert_allclose(noise, [0.02, 0.02, 0.02, 0.02, 0.02])


def test_floor_and_digits():
    quoted, noise = spread_free(floor=0.0176, digits=3).errors(np.random.default_rng(0), np.array([10.0, 12.0]))
    np.testing.assert_allclose(quoted, [0.018, 0.04])
    np.testing.assert_allclose(noise, [0.0352, 0.02])
    tiny, _ = ErrorLaw((10.0,), (1e-6,), (1.0,), digits=2).errors(np.random.default_rng(0), np.array([10.0]))
    assert tiny == [0.01]  # no survey prints an error of 0


def test_spreads_are_of_objects_points_and_truth():
    magnitude = np.full(4000, 10.0)

    def drawn(count, **spread):
        law = spread_free(digits=9, **spread)
        return [law.errors(np.random.default_rng(seed), magnitude[:count]) for seed in range(1 if count > 1 else 2000)]

    ((quoted, _),) = drawn(4000, point_spread=0.3)
    assert np.std(np.log(quoted)) == pytest.approx(0.3, rel=0.05)
    objects = np.array([quoted[0] for quoted, _ in drawn(1, object_spread=0.2)])
    assert np.std(np.log(objects)) == pytest.approx(0.2, rel=0.05)
    truths = np.array([noise[0] / quoted[0] for quoted, noise in drawn(1, truth_spread=0.4)])
    assert np.std(np.log(truths)) == pytest.approx(0.4, rel=0.05) and np.median(truths) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("name", LAWS)
def test_tables_make_sense(name):
    law = LAWS[name]
    assert len(law.magnitudes) == len(law.quoted) == len(law.true_over_quoted)
    assert (np.diff(law.magnitudes) > 0).all() and (np.diff(law.quoted) > 0).all() and min(law.quoted) > 0
    assert 10.0**-law.digits <= max(law.floor, law.quoted[0])
    quoted, noise = law.errors(np.random.default_rng(1), np.linspace(law.magnitudes[0], law.magnitudes[-1], 200))
    assert (quoted >= 10.0**-law.digits).all() and (noise > 0).all()
    np.testing.assert_allclose(quoted, np.round(quoted, law.digits), atol=1e-12)
