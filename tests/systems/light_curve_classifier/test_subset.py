"""Which stars are drawn: by star, so many a class, the same for the same seed."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.systems.light_curve_classifier.subset import draw_training, draw_validation, labelled_stars
from tests.systems.light_curve_classifier.stars import Split, SubsetConfig, settings


def test_so_many_stars_of_every_class_and_classes_with_too_few_are_named():
    subset = draw_training(settings(), Split(bands=("V", "I")))
    assert subset.class_names == ("flat", "sine") and subset.left_out == {"rare": 2}
    ids = subset.ids()
    assert {name: len(set(stars)) for name, stars in ids.items()} == {"flat": 4, "sine": 4}
    assert all(name.startswith("toy/train") for stars in ids.values() for name in stars)
    # Both bands of a star that is drawn, none of the others, never the star without a class.
    drawn = [f"toy/{name}" for name in Split(bands=("V", "I")).object_ids[subset.label_of_record >= 0]]
    assert sorted(drawn) == sorted(2 * [*ids["flat"], *ids["sine"]])


def test_draws_follow_seed_and_fold():
    data, base = Split(stars=30), settings()
    fold = lambda k: dataclasses.replace(base, subset=SubsetConfig(fold=k))
    seed = dataclasses.replace(base, training=dataclasses.replace(base.training, seed=1))
    draws = [draw_training(e, data).ids()["sine"] for e in (base, base, fold(1), seed)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] and draws[0] != draws[3] and draws[2] != draws[3]


def test_records_that_may_not_be_learned_from_are_not_drawn():
    data = Split(stars=6)
    data.used = data.used[data.object_ids[data.used] != "train0"]
    for fold in range(6):
        ids = draw_training(settings(subset=SubsetConfig(fold=fold)), data).ids()
        assert "toy/train0" not in ids["flat"]


def test_stars_with_two_classes_are_left_out():
    data = Split(bands=("V", "I"))
    data.labels[0] = 1
    stars = labelled_stars(data)
    assert stars.contradictory == 1 and "toy\ttrain0" not in stars.key.tolist()
    assert stars.counts() == {"flat": 7, "sine": 8, "rare": 2}
    assert (stars.of_record[:2] == -1).all() and (stars.of_record[2:4] == stars.of_record[2]).all()


def test_one_name_in_two_surveys_is_two_stars():
    data = Split(bands=("V", "I"))
    data.dataset_of_record[1:-1:2] = "other"
    assert len(labelled_stars(data).key) == 2 * 18


def test_classes_are_asked_for_in_an_order():
    subset = draw_training(settings(classes=("sine", "rare"), samples_per_class=2), Split())
    assert subset.class_names == ("sine", "rare") and set(subset.label_of_record) == {-1, 0, 1}
    assert (subset.label_of_record[Split().labels == 0] == -1).all()
    assert all(subset.label_of_record[Split().labels == 2] == 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(classes=("sine", "rare")), r"fewer than 4 training stars in rare \(2\)"),
        (dict(classes=("sine", "flaat")), "there is no class 'flaat': did you mean 'flat'"),
        (dict(classes=("sine", "sine")), "names a class twice"),
        (dict(samples_per_class=9), "0 of 3 classes of this data have 9 training stars or more"),
    ],
)
def test_impossible_wishes_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        draw_training(settings(**changes), Split())


def test_the_published_draw_is_with_replacement():
    subset = draw_training(settings(subset=SubsetConfig(draw="published"), samples_per_class=5), Split())
    ids = subset.ids()
    assert subset.left_out == {} and {name: len(stars) for name, stars in ids.items()} == dict.fromkeys(ids, 5)
    assert len(set(ids["rare"])) <= 2
    assert subset.times_of_record.sum() == 15


def test_validation_stars_are_a_share_of_every_class_or_of_all():
    data = Split("validation", stars=5, rare=1)
    trained = settings(class_names=("flat", "sine", "rare"), samples_per_class=10)
    each = draw_validation(trained, data)
    assert {n: len(i) for n, i in each.ids().items()} == {"flat": 2, "sine": 2, "rare": 1}
    assert each.left_out == {"rare": 1}
    published = dataclasses.replace(trained, subset=SubsetConfig(validation="published"))
    assert sum(map(len, draw_validation(published, data).ids().values())) == 2
    everything = draw_validation(dataclasses.replace(trained, samples_per_class=None), data)
    assert {n: len(i) for n, i in everything.ids().items()} == {"flat": 5, "sine": 5, "rare": 1}
    data.labels[:] = -1
    assert not np.any(draw_validation(trained, data).label_of_record >= 0)


def test_all_stars_are_there_without_a_number():
    subset = draw_training(settings(samples_per_class=None), Split())
    assert {n: len(i) for n, i in subset.ids().items()} == {"flat": 8, "sine": 8, "rare": 2}
