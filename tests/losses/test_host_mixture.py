import jax
import numpy as np
from scipy import stats

from lcjax.losses.host_mixture import SPIRAL, mixture_log_density, probability_within, two_best_hosts

CENTRES = np.array([[[0.0, 0.0], [50.0, 0.0], [51.0, 1.0]]], np.float32)
WIDTHS = np.array([[3.0, 2.0, 2.0]], np.float32)
LOG_WEIGHTS = np.log(np.array([[0.4, 0.35, 0.25]], np.float32))


def test_density_integrates_to_one():
    x = np.arange(-30, 80, 0.5, dtype=np.float32)
    grid = np.stack(np.meshgrid(x, x - 20), axis=-1).reshape(-1, 2)
    density = jax.vmap(lambda at: mixture_log_density(at, CENTRES[0], WIDTHS[0], LOG_WEIGHTS[0]))(grid)
    assert np.exp(density).sum() * 0.25 == np.float32(1).item() or abs(np.exp(density).sum() * 0.25 - 1) < 1e-3


def test_density_is_the_sum_of_normal_ones():
    at = np.array([[1.0, 2.0], [49.0, 1.0], [20.0, -3.0]], np.float32)
    parts = [
        w * stats.multivariate_normal(c, s**2 * np.eye(2)).pdf(at)
        for c, s, w in zip(CENTRES[0], WIDTHS[0], np.exp(LOG_WEIGHTS[0]), strict=True)
    ]
    found = jax.vmap(lambda x: mixture_log_density(x, CENTRES[0], WIDTHS[0], LOG_WEIGHTS[0]))(at)
    np.testing.assert_allclose(found, np.log(sum(parts)), rtol=1e-4)


def test_probability_of_a_circle():
    for radius in (2.0, 5.0, 9.0):
        found = probability_within(radius, np.zeros(2, np.float32), CENTRES[0], WIDTHS[0], LOG_WEIGHTS[0])
        assert abs(found - 0.4 * (1 - np.exp(-0.5 * (radius / 3) ** 2))) < 0.01
    assert abs(np.mean(SPIRAL)) < 0.02 and abs(np.mean(SPIRAL**2) - 1) < 0.03


def test_two_best_hosts_join_neighbours_and_stay_apart():
    run = jax.jit(lambda *mixture: two_best_hosts(*mixture, 6.0))
    hosts, held = run(CENTRES, WIDTHS, LOG_WEIGHTS)
    assert 50 <= hosts[0, 0, 0] <= 51 and np.allclose(hosts[0, 1], 0)
    assert held[0, 0] > 0.5 and 0.3 < held[0, 1] < 0.41
    _, alone = run(CENTRES, WIDTHS, np.array([[-1e9, 0.0, -1.0]], np.float32))
    assert alone[0, 1] == 0


def test_the_second_host_is_two_radii_away():
    """A component whose circle would overlap the first is none, however probable."""
    run = jax.jit(lambda *mixture: two_best_hosts(*mixture, 6.0))
    for apart, second, probability in ((11.0, 30.0, 0.1), (13.0, 13.0, 0.4)):
        centres = np.array([[[0.0, 0.0], [apart, 0.0], [30.0, 0.0]]], np.float32)
        log_weights = np.log(np.array([[0.5, 0.4, 0.1]], np.float32))
        hosts, held = run(centres, np.full((1, 3), 1.5, np.float32), log_weights)
        np.testing.assert_allclose(hosts[0], [[0, 0], [second, 0]], atol=1e-4)
        np.testing.assert_allclose(held[0], [0.5, probability], atol=0.01)


def test_circles_that_meet_after_they_were_moved_hold_no_more_than_everything():
    """Sharp components draw both circles together; the overlap counts for the first."""
    along = np.array([19.5, 2.5, 7.1, 12.3, 14.7], np.float32)
    centres = np.stack([along, 0 * along], axis=-1)[None]
    widths = np.array([[3.0, 0.3, 0.3, 0.3, 0.3]], np.float32)
    log_weights = np.log(np.array([[0.14, 0.32, 0.12, 0.4, 0.02]], np.float32))
    hosts, held = jax.jit(lambda *mixture: two_best_hosts(*mixture, 6.0))(centres, widths, log_weights)
    assert np.abs(hosts[0, 0] - hosts[0, 1]).sum() < 12
    assert 0.8 < held[0, 0] < 0.9 and abs(held[0].sum() - 1) < 1e-6
