import numpy as np
import pytest

from lcjax.evaluation.calibration import reliability
from lcjax.evaluation.ranking import auroc
from lcjax.systems.delight.answers import HostAnswers
from lcjax.systems.delight.figures import error_figure, reliability_figure
from lcjax.systems.delight.host_rules import elliptical_distance, nearest_source
from lcjax.systems.delight.light_radius import closest_source, directional_light_radius, light_radius_host
from lcjax.systems.delight.scores import catastrophic_limit, host_scores, scatter_quartiles, scores_by_size


def table(*rows):
    """x, y, a, b, theta -> columns with the equation of the ellipse."""
    x, y, a, b, theta = np.array(rows, float).T
    c, s = np.cos(theta), np.sin(theta)
    return {
        **{"x": x, "y": y, "a": a, "b": b, "theta": theta},
        "cxx": c**2 / a**2 + s**2 / b**2,
        "cyy": s**2 / a**2 + c**2 / b**2,
        "cxy": 2 * c * s * (1 / a**2 - 1 / b**2),
    }


def test_rules_count_in_units_of_the_source():
    """A large galaxy ten pixels away along its major axis beats a star five pixels away."""
    sources = table((10, 0, 8, 3, 0.0), (0, 5, 1, 1, 0.0))
    assert nearest_source(sources, 0, 0).tolist() == [10, 0] and closest_source(sources, 0, 0).tolist() == [0, 5]
    assert light_radius_host(sources, 0, 0).tolist() == [10, 0]
    np.testing.assert_allclose(directional_light_radius(sources, 0, 0), [10 / 8, 5])
    turned = table((10, 0, 8, 3, np.pi / 2), (0, 5, 1, 1, 0.0))
    np.testing.assert_allclose(directional_light_radius(turned, 0, 0), [10 / 3, 5])
    np.testing.assert_allclose(directional_light_radius(turned, 0, 0) ** 2, elliptical_distance(turned, 0, 0))
    assert np.isnan(light_radius_host(turned, 0, 0, limit=3.0)).all()
    assert light_radius_host(table((1, 0, 1, 1, 0), (9, 0, 4, 4, 0)), 0, 0, star_size=1.5).tolist() == [9, 0]
    empty = {k: np.zeros(0) for k in sources}
    assert np.isnan(nearest_source(empty, 0, 0)).all() and np.isnan(light_radius_host(empty, 0, 0)).all()


def test_scores():
    error = np.array([0.1, 0.2, 0.3, 8.0, np.nan])
    scores = host_scores(error, 2.0)
    assert (scores.fields, scores.median, scores.catastrophic) == (5, 0.3, 0.4)
    assert scores.catastrophic_low <= 0.4 <= scores.catastrophic_high
    radius = np.array([1.0, 5.0, 20.0, 30.0, 8.0])
    np.testing.assert_allclose(catastrophic_limit(radius), [2, 2.5, 10, 15, 4])
    groups = scores_by_size(error, radius)
    assert [groups[k].fields for k in groups] == [5, 3, 2] and groups["10 to 60 arcsec"].catastrophic == 0
    assert host_scores(np.zeros(0), 2.0).fields == 0


def test_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.random(4000)
    outcome = rng.random(4000) < probability
    honest, boastful = reliability(probability, outcome), reliability(np.sqrt(probability), outcome)
    assert honest.error < 0.03 < boastful.error and honest.brier < boastful.brier and honest.count.sum() == 4000
    assert auroc(probability, outcome) > 0.75 and auroc(np.ones(4000), outcome) == 0.5
    assert np.isnan(auroc(probability, np.ones(4000, bool)))


def test_scatter_as_a_flag():
    error = np.arange(8.0)
    quarters = scatter_quartiles(error * 2, error, np.full(8, 5.5))
    assert [q["catastrophic"] for q in quarters] == [0, 0, 0, 1] and quarters[0]["scatter"] == 1


def test_answers():
    offset = np.array([[4.0, 0], [0, 8.0], [0, 0]], np.float32)
    outputs = {
        "offset": np.array([[4.0, 0], [0, 40.0], [0, 0]]),
        "second_offset": np.array([[9.0, 9], [0, 8.0], [0, 0]]),
        "scatter": np.array([1.0, 9, 9]),
        "probability": np.array([0.9, 0.5, 0.1]),
        "second_probability": np.array([0.0, 0.4, 0.1]),
        "hostless_probability": np.array([0.1, 0.1, 0.8]),
    }
    answers = HostAnswers(outputs, offset, np.array([False, False, True]), np.array([5.0, 5, 0]), 0.25, 12.0)
    assert answers.scores()["all"].catastrophic == 0.5 and answers.top2_recall() == 1.0
    assert answers.hostless_auroc() == 1.0 and set(answers.calibration()) == {"host is there", "hostless"}
    assert answers.distance()[1] == pytest.approx(8.0)
    import matplotlib.pyplot as plt

    for figure in (error_figure(answers), reliability_figure(answers.calibration())):
        plt.close(figure)
