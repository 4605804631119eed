import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.inference import LightCurvePredictor
from lcjax.transforms.windows import published_starts
from tests.inference.models import experiment, light_curve, untrained

LENGTHS = (5, 39, 40, 41, 80, 81, 130, 9, 200, 12)


def embeddings(settings, curves, **options):
    task, variables = untrained(settings)
    return list(LightCurvePredictor(task, variables, settings.window, **options).predict(curves))


@pytest.fixture(scope="module", params=[True, False], ids=["parity", "strict"])
def settings(request):
    return experiment(parity=request.param)


def test_order_counts_and_shapes(settings):
    curves = [light_curve(n, seed) for seed, n in enumerate(LENGTHS)]
    found = embeddings(settings, curves, batch_size=4)
    assert [p.light_curve for p in found] == curves
    assert [p.n_points for p in found] == list(LENGTHS)
    for p in found:
        assert p.outputs["embedding"].shape == (8,) and p.outputs["embedding"].dtype == np.float32


def test_results_do_not_depend_on_batches_or_neighbours(settings):
    curves = [light_curve(n, seed) for seed, n in enumerate(LENGTHS)]
    reference = embeddings(settings, curves, batch_size=4)
    for other in (
        embeddings(settings, curves, batch_size=50),
        embeddings(settings, curves[::-1], batch_size=3)[::-1],
    ):
        for a, b in zip(reference, other, strict=True):
            np.testing.assert_allclose(a.outputs["embedding"], b.outputs["embedding"], rtol=1e-5, atol=1e-6)


def test_buckets_change_nothing_in_strict_mode():
    settings = experiment()
    curves = [light_curve(n, seed) for seed, n in enumerate(LENGTHS)]
    whole = embeddings(settings, curves, buckets=(40,))
    for buckets in ((10, 20, 40), ()):
        for a, b in zip(whole, embeddings(settings, curves, buckets=buckets), strict=True):
            np.testing.assert_allclose(a.outputs["embedding"], b.outputs["embedding"], rtol=2e-5, atol=2e-6)


def test_a_parity_model_keeps_its_full_length():
    settings = experiment(parity=True)
    task, variables = untrained(settings)
    assert LightCurvePredictor(task, variables, settings.window, buckets=(10, 20)).buckets == (40,)


def test_mean_over_published_windows_counts_overlaps():
    settings = experiment(parity=True)
    task, variables = untrained(settings)
    curve = light_curve(130)
    total, weight = 0.0, 0
    for start in published_starts(130, 40):
        cut = slice(start, start + 40)
        series = {
            "time": curve.mjd[cut] - 50_500,
            "magnitude": curve.magnitude[cut],
            "magnitude_error": curve.magnitude_error[cut],
        }
        batch = {k: v[None].astype(np.float32) for k, v in series.items()}
        batch |= {"mask": np.ones((1, 40), bool), "length": np.array([40], np.int32)}
        total, weight = total + 40 * np.asarray(task.predict(variables, batch)["embedding"][0], np.float64), weight + 40
    found = next(LightCurvePredictor(task, variables, settings.window).predict([curve]))
    np.testing.assert_allclose(found.outputs["embedding"], total / weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("parity", "n", "parts"),
    [(False, 41, [(0, 20, 20), (20, 41, 21)]), (True, 80, [(0, 40, 40), (40, 80, 80)])],
    ids=["sequential", "published, the last window twice"],
)
def test_windows_count_by_their_points(parity, n, parts):
    settings = experiment(parity=parity)
    task, variables = untrained(settings)
    curve = light_curve(n)
    total, middle = 0.0, 0.5 * (curve.mjd[0] + curve.mjd[-1])
    for start, end, weight in parts:
        size = end - start
        pad = lambda x: np.pad(x[start:end], (0, 40 - size))[None].astype(np.float32)
        batch = {"time": pad(curve.mjd - middle), "magnitude": pad(curve.magnitude)}
        batch |= {"magnitude_error": pad(curve.magnitude_error), "mask": np.arange(40)[None] < size}
        total = total + weight * np.asarray(jax.jit(task.predict)(variables, batch)["embedding"][0], np.float64)
    expected = total / sum(weight for *_, weight in parts)
    found = next(LightCurvePredictor(task, variables, settings.window).predict([curve])).outputs["embedding"]
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_embedding_is_the_masked_mean_of_the_last_block():
    settings = experiment(parity=True)
    task, variables = untrained(settings)
    curve = light_curve(23)
    padded = lambda x: np.pad(np.float32(x - x.mean()), (0, 17))[None]
    batch = {"time": padded(curve.mjd), "magnitude": padded(curve.magnitude), "mask": np.arange(40)[None] < 23}
    last = np.asarray(task.model.apply(variables, batch)["layers"][-1])[0, :23].mean(0)
    found = next(LightCurvePredictor(task, variables, settings.window).predict([curve])).outputs["embedding"]
    np.testing.assert_allclose(found, last, rtol=2e-3, atol=2e-4)


def test_one_compile_per_bucket():
    settings = experiment()
    task, variables = untrained(settings)
    predictor = LightCurvePredictor(task, variables, settings.window, batch_size=4, buckets=(20,))
    for seed in range(3):
        list(predictor.predict([light_curve(n, seed + n) for n in LENGTHS]))
    assert predictor.batches.compiled == 2


def test_memory_is_bounded():
    settings = experiment()
    task, variables = untrained(settings)
    predictor = LightCurvePredictor(task, variables, settings.window, batch_size=4)
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield light_curve(3 if taken > 1 else 39, taken)

    results = predictor.predict(endless())
    for _ in range(200):
        next(results)
    assert taken < 200 + 8 * 4 + 2


def test_impossible_sizes():
    settings = experiment()
    task, variables = untrained(settings)
    with pytest.raises(ConfigError, match="impossible"):
        LightCurvePredictor(task, variables, settings.window, batch_size=0)
    with pytest.raises(ConfigError, match="no points"):
        list(LightCurvePredictor(task, variables, settings.window).predict([light_curve(0)]))
