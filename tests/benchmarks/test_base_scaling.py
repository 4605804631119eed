"""The scaling benchmark of lcjax-base on a handful of stars: what travels, one training that is the engine's own, scores and tables."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from benchmarks import base_scaling, base_scaling_cases, base_scaling_data, base_scaling_runs, base_scaling_table
from benchmarks.few_shot_stars import CLASSES, PARTS, Curve
from lcjax.errors import ConfigError, DataError
from tests.systems.base_encoder.small import small


def curve(i, survey, label, part, points=30):
    rng = np.random.default_rng(i)
    mjd = np.sort(rng.uniform(0, 90, points)) + 54_000.25
    magnitude = np.float32(13 + np.sin(mjd / (3 + i % 5)) + 0.05 * rng.normal(size=points))
    return Curve(f"star{i}", survey, label, part, mjd, magnitude, np.full(points, 0.05, np.float32))


def stars():
    each = {"train": 4, PARTS[0]: 2}
    kinds = [
        (survey, name, part)
        for part in each
        for survey, names in CLASSES.items()
        for name in names
        for _ in range(each[part])
    ]
    return [curve(i, *kind) for i, kind in enumerate(kinds)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        labelled = stars()
        other = [curve(900, "asas_acvs", "", "train"), dataclasses.replace(labelled[0], label="")]
        held = [curve(901, "asas_acvs", "MIRA", PARTS[1])]
        patch.setattr(base_scaling_data, "read_curves", lambda data, pool, tested: [*labelled, *held])
        patch.setattr(base_scaling_data, "stars_of_split", lambda data, split, without: other)
        patch.setattr(base_scaling_data, "hidden_elsewhere", lambda data: {})
        base_scaling.main(["--data", "D", "--write", str(found := tmp_path_factory.mktemp("arrays"))])
        return found


def test_stars_travel_without_loss_and_none_that_is_held_out(folder):
    found = base_scaling_data.read_stars(folder)
    assert [one.object_id for one in found] == [*(one.object_id for one in stars()), "star900"]
    assert {one.part for one in found} == {"train", PARTS[0]}
    for one, two in zip(found, stars(), strict=False):
        assert (one.survey, one.label, one.part) == (two.survey, two.label, two.part)
        np.testing.assert_allclose(one.mjd, two.mjd, atol=1e-5)
        np.testing.assert_allclose(one.magnitude, two.magnitude, atol=6e-5)
        np.testing.assert_allclose(one.magnitude_error, two.magnitude_error, atol=6e-5)
    assert len(base_scaling_data.labelled_of(found)) == len(stars())
    with pytest.raises(DataError, match="--write"):
        base_scaling_data.read_stars(folder / "nowhere")


def test_windows_hold_every_point_once():
    long = [curve(1, "a", "", "train", points=25), curve(2, "b", "", "train", points=7)]
    windows = base_scaling_data.Windows(long, 10)
    (batch,) = windows.evaluation_batches()
    assert batch["mask"].sum() == 32 and batch["record"].tolist() == sorted(batch["record"].tolist())
    assert set(windows.dataset_of_record[batch["record"]]) == {"a", "b"} and batch["mask"].sum(1).max() <= 10
    one = batch["magnitude"][batch["record"] == 0][batch["mask"][batch["record"] == 0]]
    np.testing.assert_array_equal(one, long[0].magnitude)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small training, compiled: (run, stars)."""

    @dataclasses.dataclass(frozen=True)
    class Small(base_scaling_cases.Case):
        def experiment(self, stars, seed=0):
            settings = small(prepared=True, simulated=stars, steps=self.steps, batch_size=self.batch, seed=seed)
            objective = dataclasses.replace(settings.objective, likelihood_rows=0)
            return dataclasses.replace(settings, objective=objective)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCJAX_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(base_scaling_runs, "Case", Small)
        patch.setattr(base_scaling_runs, "VALIDATION", 4)
        learned, judged, embedded = (
            base_scaling_data.Windows([one for one in stars() if one.part in parts][:12], 24, split)
            for parts, split in ((("train",), "train"), ((PARTS[0],), "validation"), (("train", PARTS[0]), "train"))
        )
        ready = base_scaling_runs.prepared(learned, judged, embedded, 20, batches=1)
        yield base_scaling_runs.Run(Small("tiny", "size", steps=4, batch=4), ready, 2, 20), ready


def test_a_call_makes_its_updates_and_the_next_goes_on(run):
    one, ready = run
    begin = jax.device_get(one.begin().params)
    state, sums = one.stretch(one.begin(), ready.train, ready.simulated)
    assert int(state.step) == 2 and int(state.bad_steps) == 0 and float(sums["loss"][1]) == 2 * 4
    changed = jax.tree.map(
        lambda a, b: np.abs(a - np.asarray(b)).max(), begin["encode_star"], state.params["encode_star"]
    )
    assert np.mean(np.array(jax.tree.leaves(changed)) > 0) > 0.8
    middle = jax.device_get(state.params)
    state, _ = one.stretch(state, ready.train, ready.simulated)
    assert int(state.step) == 4 and not np.array_equal(
        middle["encode_star"]["up_0"]["kernel"], state.params["encode_star"]["up_0"]["kernel"]
    )


def test_a_batch_has_both_parts_of_its_rows_and_simulated_ones(run):
    _, ready = run
    batch = base_scaling_runs.drawn(ready.train, ready.simulated, jax.random.key(3), 6, 0.5)
    assert batch["simulated"]["label"].shape == (3,) and len(batch["mask"]) == 6
    first = np.asarray(batch["first"])
    assert (first <= np.asarray(batch["mask"])).all() and 0 < first.sum() < batch["mask"].sum()
    points = 10.0 ** np.stack([np.asarray(batch[name]["scalars"])[:, 2] for name in ("first_views", "second_views")])
    np.testing.assert_allclose(points[0], first.sum(1), rtol=1e-3)
    np.testing.assert_allclose(points.sum(0), batch["mask"].sum(1), rtol=1e-3)


def test_stars_of_several_windows_have_the_mean_embedding(run):
    one, ready = run
    state = one.begin()
    found = one.embed(state, ready, at_once=8)
    assert len(found) == 12 and len(ready.record) > 12
    rows = np.flatnonzero(ready.record == ready.record[0])
    some = jax.tree.map(lambda x: x[rows], ready.whole)
    np.testing.assert_allclose(found[0], np.asarray(one._embed(state.variables, some)).mean(0), atol=1e-5)
    assert {"contrast", "rank"} <= set(one.judge(state, ready))


def test_scores_are_kept_and_say_which_stars_are_needed(folder, tmp_path, capsys):
    labelled = base_scaling_data.labelled_of(base_scaling_data.read_stars(folder))
    names = {survey: list(classes) for survey, classes in CLASSES.items()}
    table = np.array([np.eye(6)[names[one.survey].index(one.label)] for one in labelled])
    np.savez(tmp_path / "a.npz", embedding=table.astype(np.float16))
    row = {
        "name": "as it is",
        "group": "size",
        "steps": 10,
        "parameters": 100,
        "batch": 4,
        "seconds": 1.0,
        "file": "a.npz",
    }
    row["validation"] = {"contrast": 0.5, "rank": 3.0}
    cases = [
        {**row, "name": name, "steps": steps} for name, steps in (("as it is", 10), ("width 64", 20), ("width 512", 40))
    ]
    (tmp_path / "cases.json").write_text(json.dumps({"cases": cases}))
    command = ["--arrays", str(folder), "--read", str(tmp_path), "--shots", "2", "--draws", "2"]
    assert base_scaling.main([*command, "--picture", str(tmp_path / "p.png")]) == 0
    assert capsys.readouterr().out.count(" 1.000 |") == 6 and (tmp_path / "p.png").stat().st_size > 5000
    (tmp_path / "a.npz").unlink()
    assert base_scaling.main(command) == 0, "scored once"
    np.savez(tmp_path / "a.npz", embedding=table[:5])
    with pytest.raises(DataError, match="embeddings of 5 stars"):
        base_scaling_table.embedding_of(tmp_path / "a.npz", labelled)
    with pytest.raises(DataError, match="--out"):
        base_scaling.main(["--arrays", str(folder), "--read", str(tmp_path / "none")])


def test_what_is_asked_for_must_be_there(folder):
    for asked, match in (([], "--arrays"), (["--write", "x"], "--data"), (["--arrays", "x"], "--out")):
        with pytest.raises(ConfigError, match=match):
            base_scaling.main(asked)
    with pytest.raises(ConfigError, match="no case 'b'"):
        base_scaling.chosen(base_scaling.options(["--cases", "b"]))
    assert len({case.name for case in base_scaling_cases.CASES}) == len(base_scaling_cases.CASES)
    wide = next(case for case in base_scaling_cases.CASES if case.width == 1024).experiment(10)
    assert wide.model.encoder.width == 1024 and wide.optimizer.learning_rate == 5e-4 and wide.simulation.stars == 10


def test_compute_counts_rows_of_both_parts_and_the_simulated_ones():
    row = {"name": "contrast alone", "parameters": 10, "batch": 4, "steps": 3}
    assert base_scaling_table.compute_of(row) == 6 * 10 * 4 * 2 * 3
    assert base_scaling_table.compute_of({**row, "name": "as it is"}) == 6 * 10 * 4 * 2.5 * 3
    slope, _ = base_scaling_table.power_law(np.array([1.0, 10.0, 100.0]), np.array([1.0, 3.0, 0.5]))
    assert slope == pytest.approx(-np.log(2) / np.log(100)), "a training that a cheaper one beats does not count"
