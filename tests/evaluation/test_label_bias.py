"""The labelling bias: what it must not depend on, what it refuses, its floor, search, classes from probabilities and simulations."""

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation import label_bias_simulation as simulation
from lcjax.evaluation.label_bias import count_classes, label_bias
from lcjax.evaluation.label_bias_bins import search_depth, search_observable_bins
from lcjax.evaluation.label_bias_catalogue import Bins, build_catalogue
from lcjax.evaluation.label_bias_draws import (
    Permutations,
    bootstrap_bias,
    objects_in_bins,
    permutation_test,
    sampling_floor,
)
from lcjax.evaluation.label_bias_labels import labels_from_probabilities
from lcjax.evaluation.label_bias_tree import grow_leaves

BINS = Bins(4, 4, (True, False))


def galaxies(strength, objects=6000, seed=0):
    rng = np.random.default_rng(seed)
    table = simulation.simulated_catalogue(rng, objects)
    parts = [simulation.columns(table, names) for names in (simulation.INTRINSIC, simulation.OBSERVED)]
    return (*parts, simulation.biased_labels(rng, table, strength))


@pytest.fixture(scope="module")
def biased():
    return galaxies(1.0)


def test_only_the_order_of_values_and_no_names_count(biased):
    alpha, beta, label = biased
    value = label_bias(build_catalogue(alpha, beta, label), BINS)
    stretched = build_catalogue(np.arcsinh(alpha), beta**3, label)
    # A median between two values moves, but stays between them; of a leaf nothing changes.
    assert label_bias(stretched, BINS) == pytest.approx(value, abs=1e-12)
    named = build_catalogue(alpha, beta, np.array(["spiral", "elliptical"])[label], ["spiral", "elliptical"])
    assert named.classes == ("spiral", "elliptical") and (named.label == label).all()
    assert label_bias(named, BINS) == value
    shuffled = np.random.default_rng(1).permutation(len(label))
    assert label_bias(build_catalogue(alpha[shuffled], beta[shuffled], label[shuffled]), BINS) == pytest.approx(value)


def test_the_reference_bin_is_where_it_is_said_to_be():
    rng = np.random.default_rng(0)
    alpha, beta = rng.normal(size=(1000, 1)), np.arange(1000.0)[:, None]
    label = (beta[:, 0] >= 900).astype(int)  # only the last of ten bins differs
    of = lambda first: label_bias(build_catalogue(alpha, beta, label), Bins(0, 10, (first,)))
    assert of(True) == pytest.approx(np.sqrt(1 / 10)) and of(False) == pytest.approx(np.sqrt(9 / 10))


def test_ties_go_right_and_a_node_that_cannot_be_cut_is_named():
    alpha = np.array([[0.0], [1], [1], [1], [1], [2]])
    catalogue = build_catalogue(alpha, np.arange(6.0)[:, None] ** 2 % 7, [0, 1] * 3)
    assert np.diff(grow_leaves(catalogue, Bins(1, 2, (True,))).begin).tolist() == [1, 5]
    with pytest.raises(DataError, match=r"cannot be halved.*alpha 0.*smaller depth"):
        grow_leaves(catalogue, Bins(3, 2, (True,)))
    with pytest.raises(DataError, match="leaf of the tree has 1 objects for 2 bins"):
        count_classes(catalogue, Bins(1, 2, (True,)))
    # The other rule cuts at the mean where nothing is below the median, and along the axis that tells the classes.
    both = np.stack([np.array([0.0, 0, 0, 0, 0, 1, 2, 3]), np.array([3.0, 1, 4, 1.5, 9, 2, 6, 5])], axis=1)
    found = build_catalogue(both, np.arange(8.0)[::-1, None], [0, 0, 0, 0, 0, 1, 1, 1])
    assert np.diff(grow_leaves(found, Bins(1, 2, (True,), "fractions")).begin).tolist() == [5, 3]


def test_columns_that_cannot_be(biased):
    alpha, beta, label = biased
    with pytest.raises(DataError, match="'beta 1' is 5 for all objects"):
        build_catalogue(alpha, np.stack([beta[:, 0], np.full(len(beta), 5.0)], 1), label)
    with pytest.raises(DataError, match="'alpha 0' and 'beta 0' order the objects alike"):
        build_catalogue(alpha, alpha[:, :1] * 2, label)
    with pytest.raises(DataError, match="'alpha 1' is not finite for 1 objects"):
        build_catalogue(np.where(alpha == alpha[3, 1], np.nan, alpha), beta, label)
    with pytest.raises(DataError, match="same class"):
        build_catalogue(alpha, beta, label * 0)
    catalogue = build_catalogue(alpha, beta, label)
    with pytest.raises(
        DataError, match=r"16 leaves of 4 bins with 100 objects each need 6,400 labelled objects.*6,000"
    ):
        objects_in_bins(catalogue, BINS, 100)
    with pytest.raises(DataError, match="5 objects in a bin are fewer than 10"):
        bootstrap_bias(catalogue, BINS, 5)
    with pytest.raises(ConfigError, match="2 observables need as many references"):
        label_bias(catalogue, Bins(1, 2, (True,)))


def test_objects_of_other_classes_do_not_count(biased):
    alpha, beta, label = biased
    other = np.concatenate([label, np.full(500, 7)])
    more = lambda part: np.concatenate([part, part[:500] + 1])
    assert label_bias(build_catalogue(more(alpha), more(beta), other, [0, 1]), BINS) == label_bias(
        build_catalogue(alpha, beta, label), BINS
    )


def test_the_floor_is_what_unbiased_labels_give():
    catalogue = build_catalogue(*galaxies(0.0))
    drawn, test = bootstrap_bias(catalogue, BINS, draws=60), permutation_test(catalogue, BINS, 60)
    assert drawn.squared.mean() == pytest.approx(drawn.floor.mean(), rel=0.12)
    floor = sampling_floor(count_classes(catalogue, BINS), BINS)
    assert test.null.mean() == pytest.approx(floor.mean(), rel=0.06)
    assert floor.mean() == pytest.approx(2 * 0.25 / (6000 / 64) * 3 / 4, rel=0.02)  # 2 p (1 - p) / m (n - 1) / n
    assert test.p_value() > 0.02 and drawn.corrected().low == 0
    assert drawn.score(0, 1).value != drawn.score(1, 1).value


def test_strength_is_recovered():
    """The bias above the floor of few galaxies is that of many, which has no floor to speak of; a real bias is told from chance."""
    for strength, seed in ((0.5, 1), (1.4, 2)):
        large = build_catalogue(*galaxies(strength, 200_000, seed + 10))
        true = bootstrap_bias(large, BINS, draws=2, bootstrap=False).corrected().value
        small = build_catalogue(*galaxies(strength, 6000, seed))
        found = bootstrap_bias(small, BINS, draws=40).corrected()
        assert found.low < true < found.high and found.high - found.low < 0.08
        assert bootstrap_bias(small, BINS, draws=40).score().value > true + 0.01
        assert permutation_test(small, BINS, 30).p_value() == pytest.approx(1 / 31)


def test_searches(biased):
    catalogue = build_catalogue(*biased)
    bins, steps = search_depth(catalogue, (True, False))
    assert [s.bins.depth for s in steps][-1] == 6 and not steps[-1].accepted and bins.depth < 6
    assert bins == max((s.bins for s in steps if s.accepted), key=lambda b: b.depth)
    total, _ = search_depth(catalogue, (True, False), "total")
    assert total.observable == 2**total.depth
    only, _ = search_observable_bins(catalogue, 3, (True, False))
    assert only.depth == 3 and only.observable > 4
    few = build_catalogue(*(part[:30] for part in biased))
    with pytest.raises(DataError, match="needs 45 labelled objects at least, and there are 30"):
        search_depth(few, (True, False))
    with pytest.raises(DataError, match="at depth 5 needs 960"):
        search_observable_bins(few, 5, (True, False))


def test_classes_from_probabilities():
    chances = np.array([[0.8, 0.9], [0.8, 0.1], [0.1, 0.79]])
    assert labels_from_probabilities(chances, (0.8, 0.8)).tolist() == [2, 1, 0]
    with pytest.raises(ConfigError, match="3 thresholds for 2 columns"):
        labels_from_probabilities(chances, (0.1, 0.2, 0.3))
    with pytest.raises(ConfigError, match=r"threshold of 80 is no probability"):
        labels_from_probabilities(chances, (80.0,))
    with pytest.raises(DataError, match=r"a probability is 1\.4"):
        labels_from_probabilities(chances + 0.6, (0.8,))


def test_simulations_like_a_table():
    rng = np.random.default_rng(0)
    real = simulation.simulated_catalogue(rng, 300)
    found = simulation.catalogue_like(rng, real, 2000)
    assert all(len(found[name]) == 2000 for name in (*simulation.INTRINSIC, *simulation.OBSERVED, "true_class"))
    assert np.median(found["redshift"]) == pytest.approx(np.median(real["redshift"]), rel=0.1)
    assert (found["radius"] > 0).all()
    one = simulation.derived({"redshift": [0.1], "radius": [1.0], "magnitude": [17.0], "seeing": [1.3]})
    assert one["radius_kpc"][0] == pytest.approx(1.84, abs=0.03) and one["absolute_magnitude"][0] == pytest.approx(
        -21.16, abs=0.01
    )
    with pytest.raises(DataError, match="too few"):
        simulation.catalogue_like(rng, {name: np.full(20, np.nan) for name in simulation.MEASURED}, 5)
    small = {"magnitude": np.array([16.0, 18.5, 16.0]), "radius_over_seeing": np.array([1.0, 1.0, 100.0])}
    chance = simulation.chance_of_loss(small, 1.0)
    assert chance[1] > chance[0] > chance[2] and (simulation.chance_of_loss(small, 0.5) <= chance).all()


def test_permutations_with_as_large_a_bias_count():
    """Labels that no permutation changes (one class a leaf) are no evidence: p is 1, not 1 / (1 + permutations)."""
    same = Permutations(np.full((1, 2), 0.3), np.full((9, 1, 2), 0.3))
    assert same.p_value() == 1.0
    assert Permutations(np.full((1, 2), 0.4), same.null).p_value() == 0.1


def test_equal_values_keep_the_order_of_the_rows():
    """Which is random where a catalogue is read: an order of the sort's own would follow the labels."""
    rng = np.random.default_rng(0)
    value = rng.integers(0, 3, 4000).astype(float)
    catalogue = build_catalogue(rng.normal(size=(4000, 1)), value[:, None], rng.integers(0, 2, 4000))
    order = catalogue.observed[0].order
    for v in range(3):
        rows = order[value[order] == v]
        assert (np.diff(rows) > 0).all()
