import dataclasses

import hypothesis
import jax
import numpy as np
import pytest
from hypothesis import strategies as st

from lcjax.errors import ConfigError
from lcjax.inference import LightCurvePredictor
from lcjax.inference.light_curves import _centred
from lcjax.inference.window_batches import padded_lengths
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


@pytest.fixture(scope="module", params=[True, False], ids=["parity", "strict"])
def predictors(request):
    """One model, batches of several sizes; the answers to all curves together."""
    settings = experiment(parity=request.param)
    sizes = dataclasses.replace(settings.model, width=32, ffn_width=48)
    settings = dataclasses.replace(settings, model=sizes)
    task, variables = untrained(settings)
    curves = [light_curve(n, seed) for seed, n in enumerate((*LENGTHS, *range(5, 90, 3)))]
    found = {size: LightCurvePredictor(task, variables, settings.window, size) for size in (3, 64)}
    return found, curves, [p.outputs["embedding"] for p in found[64].predict(curves)]


@hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
@hypothesis.given(data=st.data())
def test_results_do_not_depend_on_batches_or_neighbours(predictors, data):
    """Bit for bit: any curves, in any order, several times, in batches of any size."""
    found, curves, reference = predictors
    chosen = data.draw(st.lists(st.integers(0, len(curves) - 1), min_size=1, max_size=30))
    size = data.draw(st.sampled_from(sorted(found)))
    for i, prediction in zip(chosen, found[size].predict([curves[i] for i in chosen]), strict=True):
        assert prediction.light_curve is curves[i]
        np.testing.assert_array_equal(prediction.outputs["embedding"], reference[i])


@pytest.mark.parametrize("parity", [True, False], ids=["parity", "strict"])
def test_levels(parity):
    """Windows, points and layers are those of `Task.encode` on each window; their means are the star's."""
    settings = experiment(parity=parity)
    task, variables = untrained(settings)
    curves = [light_curve(n, seed) for seed, n in enumerate((30, 95))]
    answers = {
        level: list(LightCurvePredictor(task, variables, settings.window, 4, level=level).predict(curves))
        for level in ("star", "window", "point", "layer")
    }
    encode = jax.jit(task.encode)
    for number, curve in enumerate(curves):
        star, window, point, layer = (answers[level][number] for level in ("star", "window", "point", "layer"))
        n = len(curve.mjd)
        middle = 0.5 * (curve.mjd[0] + curve.mjd[-1])
        assert (star.edges == window.edges).all() and star.edges[0, 0] == 0 and star.edges[-1, 1] == n
        total, times, means = np.zeros((n, 8)), np.zeros(n), []
        for k, (a, b) in enumerate(star.edges):
            # Padded as there: means of times depend on the order of sums, and waves of half an hour on that.
            padded = 40 if parity else next(n for n in padded_lengths(40) if n >= b - a)
            pad = lambda x, a=a, b=b, n=padded: np.pad(np.float32(x[a:b]), (0, n - (b - a)))[None]
            time = np.float32(curve.mjd - middle)
            batch = {
                "time": np.pad(_centred(time[a:b]), (0, padded - (b - a)))[None],
                "magnitude": pad(curve.magnitude),
            }
            batch |= {"magnitude_error": pad(curve.magnitude_error), "mask": np.arange(padded)[None] < b - a}
            layers = [np.asarray(x)[0, : b - a] for x in encode(variables, batch)["layers"]]
            np.testing.assert_allclose(window.outputs["embedding"][k], layers[-1].mean(0), rtol=2e-3, atol=2e-4)
            total[a:b] += layers[-1]
            times[a:b] += 1
            # The published rule shifts the last window back; none comes twice at these lengths.
            means.append([(b - a) * x.mean(0) for x in layers])
        np.testing.assert_allclose(point.outputs["embedding"], total / times[:, None], rtol=2e-3, atol=2e-4)
        weight = (star.edges[:, 1] - star.edges[:, 0]).sum()
        for i, name in enumerate(("layer_0", "layer_1", "layer_2")):
            expected = sum(mean[i] for mean in means) / weight
            np.testing.assert_allclose(layer.outputs[name], expected, rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(layer.outputs["layer_2"], star.outputs["embedding"], rtol=2e-3, atol=2e-4)


def test_windows_are_centred_exactly():
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 400.0, 5e4):
        for offset in (0.0, 700.0, -123.456):
            time = np.sort(np.float32(offset + scale * rng.uniform(size=9)))
            found = _centred(time)
            assert found.dtype == np.float32 and found[0] + found[-1] == 0
            np.testing.assert_allclose(np.diff(found), np.diff(time), atol=2e-7 * max(scale, abs(offset)))


def test_levels_that_there_are_not():
    settings = experiment()
    task, variables = untrained(settings)
    with pytest.raises(ConfigError, match="no level 'stars'"):
        LightCurvePredictor(task, variables, settings.window, level="stars")
    with pytest.raises(ConfigError, match="by star or window, not by point"):
        LightCurvePredictor(dataclasses.replace(task, encode=None), variables, settings.window, level="point")


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
