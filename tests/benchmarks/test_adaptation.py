"""The adaptation benchmark on a handful of images: draws, many runs at once against the Task's own step, tables, the command."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import (
    adaptation,
    adaptation_data,
    adaptation_methods,
    adaptation_runs,
    adaptation_surveys,
    adaptation_table,
)
from benchmarks.adaptation_convolution import by_patches
from lcjax.configs import TrainingConfig
from lcjax.errors import ConfigError, DataError
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.systems import build_task
from lcjax.systems.domain_adaptation.config import AdaptationExperiment
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers

TINY = ImageNetworkConfig(filters=(2,), strides=(3,), head=(3,), dropout=0.0, dropout_before=(), last_active=False)


@pytest.fixture(scope="module")
def altered(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("altered"), np.random.default_rng(0)
    label = np.arange(60) % 3
    images = (rng.normal(size=(60, 8, 8)) * 0.05 + label[:, None, None] / 2).astype(np.float32)
    arrays = {"xs_train": images, "ys_train": label, "xs_test": images[:30], "ys_test": label[:30]}
    arrays |= {"xt_pool": images, "yt_pool": label, "xt_test": images + 1, "yt_test": label}
    arrays |= {"label_idx_1shot_seed0": np.arange(3), "val_idx_1shot_seed0": np.arange(3, 12)}
    for name in adaptation_data.ALTERED:
        np.savez(folder / f"{name}.npz", **arrays)
    return folder


def test_stored_draws_are_taken_and_others_are_drawn(altered, tmp_path):
    draw = adaptation_data.draw_of("altered", altered, "digits_rot24", 1, 0)
    assert draw.rows["target"].tolist() == [0, 1, 2] and draw.validation.tolist() == list(range(3, 12))
    assert len(draw.rows["unlabelled"]) == 51 and draw.judged["source"].tolist() == list(range(60, 90))
    domains = adaptation_data.domains_of("altered", altered)
    other = adaptation_data.draw_of("altered", altered, "digits_rot24", 2, 5)
    label = domains.label[domains.names.index(other.target)]
    assert sorted(label[other.rows["target"]]) == [0, 0, 1, 1, 2, 2]
    assert not set(other.rows["unlabelled"]) & set(other.validation)
    assert domains.images[1][other.judged["target"]].min() > 0.5  # the test half, not the pool
    with pytest.raises(DataError, match="say with --arrays"):
        adaptation_data.load(tmp_path / "none.npz")
    with pytest.raises(DataError, match="class 0 of the target has 2 images"):
        adaptation_data.drawn(np.zeros(2, int), 1, 0)


def test_digits_are_enlarged_and_halves_kept_apart(tmp_path):
    flat = np.full((2, 4, 4), 255, np.uint8)
    np.testing.assert_allclose(adaptation_data.enlarged(flat, 8), np.ones((2, 8, 8, 1)))
    x = np.arange(80, dtype=np.uint8).repeat(16).reshape(80, 4, 4)
    label = np.arange(80) % 2
    np.savez(tmp_path / "mnist_usps_dev.npz", mnist_x=x, mnist_y=label, usps_x=x, usps_y=label)
    draw = adaptation_data.draw_of("digits", tmp_path, "mnist to usps", 2, 0)
    assert set(draw.rows["unlabelled"]) <= set(range(40)) and set(draw.judged["target"]) == set(range(40, 80))
    with pytest.raises(ConfigError, match="no pair 'mnist to svhn'"):
        adaptation_data.draw_of("digits", tmp_path, "mnist to svhn", 2, 0)


def test_simulated_stamps_are_stored_once(tmp_path, monkeypatch):
    first = adaptation_surveys.stored_surveys(tmp_path, 20)
    assert first["ztf_x"].shape == (20, 21, 21, 3) and first["ztf_x"].min() == 0 and first["ztf_x"].max() == 1
    monkeypatch.setattr(adaptation_surveys, "simulated", lambda *a: pytest.fail("made again"))
    np.testing.assert_array_equal(adaptation_surveys.stored_surveys(tmp_path)["atlas_y"], first["atlas_y"])


def test_patches_are_a_convolution():
    rng = np.random.default_rng(0)
    for stride, pad, size in ((1, 1, 3), (3, 2, 4)):
        x, kernel = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(size, size, 3, 4))
        dims = ("NHWC", "HWIO", "NHWC")
        padding = [(pad, pad)] * 2
        wanted = jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=dims)
        found = by_patches(jnp.asarray(x), jnp.asarray(kernel), (stride, stride), padding)
        np.testing.assert_allclose(found, wanted, atol=1e-4)
        rough = by_patches(jnp.asarray(x), jnp.asarray(kernel), (stride, stride), padding, jnp.bfloat16)
        assert rough.dtype == jnp.float32 and 1e-4 < np.abs(rough - wanted).max() / np.abs(wanted).max() < 0.02


def test_a_run_among_many_is_the_systems_own_step(altered):
    """Two runs of different pairs, seeds and shots: the second has 3 shots in a batch of 6, and weights as if it were alone."""
    domains = adaptation_data.domains_of("altered", altered)
    plain = AdaptationExperiment(network=TINY, training=TrainingConfig(steps=3, batch_size=6))
    experiment, streams = adaptation_runs.fitted(plain, domains), ("source", "target", "unlabelled")
    draws = [
        adaptation_data.draw_of("altered", altered, *case)
        for case in (("digits_rot24", 2, 4), ("digits_noise35", 1, 7))
    ]
    plan = adaptation_runs.planned(domains, draws, [4, 7])
    program = adaptation_runs.Program(experiment, streams, adaptation_runs.batch_sizes(experiment, streams, 6), 3)
    runs = adaptation_runs.lowered(program, domains, plan).compiled()
    state, scores = runs.stretch(runs.begin(plan), plan)
    assert not np.allclose(*jax.tree.leaves(state.params)[-1])
    task = build_task(experiment)
    optimizers = task_optimizers(task, experiment.optimizer, 3)
    images, label = jnp.asarray(domains.images), jnp.asarray(domains.label)
    own, seed, shots = jax.tree.map(lambda x: x[1], plan), 7, 3
    alone, update = init_state(task, optimizers, jax.random.key(seed), False), make_update(task, optimizers, seed, None)
    begun, update = alone.params, jax.jit(update)
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), adaptation_runs._ORDER_KEY), 0)
    keys = zip(streams, jax.random.split(key, 3), strict=True)
    orders = {name: adaptation_runs.ordered(own.rows[name], own.count[name], k) for name, k in keys}
    for number in range(3):
        batch = adaptation_runs.batch_at(program, own, orders, images, label, jnp.int32(number))
        assert batch["target"]["weight"].sum() == shots and sorted(batch["target"]["label"][:shots].tolist()) == [
            0,
            1,
            2,
        ]
        batch["target"] = {name: value[:shots] for name, value in batch["target"].items()}
        alone, _ = update(alone, jax.tree.map(lambda x: x[None, None], batch))
    trees = (jax.tree.leaves(tree) for tree in (state.params, alone.params, begun))
    moved = [(np.abs(many[1] - one).max(), np.abs(one - old).max()) for many, one, old in zip(*trees, strict=True)]
    assert max(off for off, _ in moved) < 2e-6 and max(far for _, far in moved) > 1e-3
    rows, place = draws[1].judged["target"], domains.names.index(draws[1].target)
    batch = {"image": images[place][rows], "full_scale": jnp.full(len(rows), jnp.nan)}
    found = np.asarray(task.predict(alone.variables, batch)["probabilities"]).argmax(-1)
    truth = domains.label[place][rows]
    by_hand = np.mean([(found[truth == k] == k).mean() for k in range(3)])
    assert scores["target"]["balanced"][1] == pytest.approx(by_hand)


def test_batches_walk_through_all_rows(altered):
    rows = adaptation_runs.ordered(jnp.array([5, 6, 7, 8, 0, 0]), jnp.int32(4), jax.random.key(3))
    assert sorted(rows[:4].tolist()) == [5, 6, 7, 8] and rows[4:].tolist() == [0, 0]


def history(validation, target):
    n = len(validation)
    kinds = {"target balanced": target, "source balanced": [0.5] * n, "target accuracy": target}
    return {"step": list(range(n)), "validation balanced": validation, "validation loss": list(range(n)), **kinds}


def test_tables_take_the_weights_that_validation_chooses():
    key = {"question": "q", "method": "m", "pair": "a to b", "shots": 1}
    rows = [{**key, "seed": s, "history": history([0.2, 0.9, 0.9], [0.1, 0.6 + 0.1 * s, 0.0])} for s in range(2)]
    shown = adaptation_table.table(rows)
    assert shown[0]["target balanced"].startswith("65.0 ± ") and shown[0]["target balanced, last"].startswith("0.0")
    none = {**rows[0], "shots": 0}
    assert adaptation_table.table([none])[0]["target balanced"] == "0.0"
    other = [{**row, "pair": "b to a", "history": history([1.0], [1.0])} for row in rows]
    lone = {**rows[0], "seed": 9}
    assert adaptation_table.matrix([*rows, *other, lone])[0] | {"source balanced": ""} == {
        "question": "q",
        "method": "m",
        "shots": "1",
        "pairs": "2",
        "draws": "2",
        "source balanced": "",
        "target balanced": adaptation_table.interval([0.8, 0.85]),
    }
    plain = [{**row, "method": "s_plus_t", "history": history([0.2, 0.9], [0.1, 0.5])} for row in rows]
    (gain,) = adaptation_table.gains([*rows, *plain, {**lone, "method": "alone", "pair": "c"}])
    assert gain["draws"] == "2" and gain["target balanced, above s_plus_t"] == adaptation_table.interval([0.1, 0.2])
    both = [*rows, *plain, *({**row, "pair": "b"} for row in [*plain, {**rows[0], "history": history([1.0], [0.9])}])]
    (mean,) = adaptation_table.gains(both, by_pair=False)
    assert mean["draws"] == "1" and mean["target balanced, above s_plus_t"] == adaptation_table.interval([0.25])
    assert "no run" in adaptation_table.text([])


def test_the_command(altered, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(adaptation_methods.NETWORKS, "altered", TINY)
    given = [
        "--arrays",
        str(altered),
        "--questions",
        "altered",
        "--seeds",
        "1",
        "--steps",
        "12",
        "--shots",
        "1",
        "--dense",
    ]
    out = tmp_path / "r.json"
    assert adaptation.main([*given, "--methods", "base", "fine_tuning", "--out", str(out)]) == 0
    runs = {(run["pair"], run["method"]): run for run in adaptation.read(out)}
    assert len(runs) == 4 and "4 runs of 4" in capsys.readouterr().out
    for run in runs.values():
        assert run["history"]["step"] == list(range(1, 13)) and min(run["history"]["target balanced"]) >= 0
    moved = [
        abs(runs[p, "fine_tuning"]["history"]["target entropy"][0] - runs[p, "base"]["history"]["target entropy"][-1])
        for p in adaptation_data.ALTERED
    ]
    assert max(moved) < 0.05, "fine-tuning goes on from base weights"
    with pytest.raises(ConfigError, match="starts with the weights of base"):
        adaptation.main([*given, "--methods", "fine_tuning", "--out", str(out)])
    with pytest.raises(ConfigError, match="no method 'x'"):
        adaptation.main([*given, "--methods", "x"])
    adaptation.main([*given, "--methods", "s_plus_t", "--seconds", "0", "--out", str(tmp_path / "none.json")])
    assert "no run has ended" in capsys.readouterr().out and not (tmp_path / "none.json").exists()


def test_without_shots_their_stream_weighs_nothing(altered):
    """A run without shots has the loss and the gradients of one whose batch has no such stream."""
    domains = adaptation_data.domains_of("altered", altered)
    draw = adaptation_data.draw_of("altered", altered, "digits_rot24", 0, 3)
    plan = jax.tree.map(lambda x: x[0], adaptation_runs.planned(domains, [draw], [3]))
    experiment = adaptation_runs.fitted(AdaptationExperiment(network=TINY), domains)
    task, found = build_task(experiment), []
    for streams in (adaptation_methods.ALL, adaptation_methods.NO_SHOTS):
        program = adaptation_runs.Program(experiment, streams, {"source": 4, "target": 3, "unlabelled": 4}, 1)
        orders = {name: plan.rows[name] for name in streams}
        images, label = jnp.asarray(domains.images), jnp.asarray(domains.label)
        batch = adaptation_runs.batch_at(program, plan, orders, images, label, jnp.int32(0))
        assert ("target" in batch) == ("target" in streams)
        params = jax.jit(task.init)(jax.random.key(3), batch)["params"]
        loss = lambda params, own: task.updates[0].loss(params, {}, own, jax.random.key(4))[0]
        found.append(jax.jit(jax.value_and_grad(loss))(params, batch))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), *found)
    assert found[0][0] > 0.1


def test_surveys_come_draw_by_draw(altered, monkeypatch):
    monkeypatch.setattr(adaptation, "domains_of", lambda *a: adaptation_data.domains_of("altered", altered))
    monkeypatch.setattr(adaptation, "draw_of", lambda *a: None)
    monkeypatch.setattr(adaptation, "planned", lambda *a: None)
    asked = adaptation.options(
        ["--arrays", str(altered), "--questions", "surveys", "--methods", "base", "mme", "con2da"]
    )
    asked.dense = True
    groups = adaptation.wanted_groups(asked)
    seeds = [(g.method, {case.seed for case in g.cases}, len(g.cases)) for g in groups]
    assert seeds[:4] == [("base", {0}, 12), ("mme", {0}, 72), ("base", {1}, 12), ("mme", {1}, 72)]
    every = [(g.method, case) for g in groups for case in g.cases]
    assert len(set(every)) == len(every) == 3 * (12 + 72 + 72)


def test_programs_of_batch_norm_have_one_number_of_shots(altered, monkeypatch):
    asked = adaptation.options(["--arrays", str(altered), "--seeds", "1"])
    groups = list(adaptation.groups_of(asked, "altered", "mme"))
    assert [dict(g.program.sizes)["target"] for g in groups] == [3, 9, 30]
    assert len({g.key for g in groups[:2]}) == 2, "plans have equal shapes, batches have not"
    monkeypatch.setitem(adaptation_methods.NETWORKS, "altered", dataclasses.replace(TINY))
    assert [len(g.cases) for g in adaptation.groups_of(asked, "altered", "mme")] == [6]
    asked.runs_at_once = 4
    assert [len(g.cases) for g in adaptation.groups_of(asked, "altered", "mme")] == [3, 3]
    asked.dense = True
    inputs = next(adaptation.groups_of(asked, "altered", "mme")).program.experiment.inputs
    assert inputs.vectors == 64 and inputs.size is None
    free = adaptation.cases_of(asked, "altered", "avda")
    assert {case.shots for case in free} == {1, 3, 10} and json.dumps([c.pair for c in free])
