"""The positional study as a benchmark: what a run records, that runs are paired and found again, what the table claims."""

import dataclasses
import json
import math

import jax
import numpy as np
import pytest

from benchmarks import positional as benchmark
from benchmarks.positional_files import finished
from benchmarks.positional_picture import draw
from benchmarks.positional_runs import SEEDS_APART, StudySettings, Variant, experiment_of, probe_rows, run
from benchmarks.positional_scores import Difference, beyond_chance, difference, pairs_apart, sentence, summary
from lcjax.errors import ConfigError
from lcjax.models.positional_config import VARIANTS
from tests.training.curves import CurveSource

TINY = StudySettings(steps=4, fine_tuning=2, batch=8, window=24, layers=1, width=8, heads=2, ffn_width=8, fused=2)


class MadeUpSurvey:
    """Sinusoids in memory, of two classes."""

    class_names = ("RRab", "Mira")

    def __init__(self):
        source = CurveSource(8, 24)
        self.scored = [source.batch(7, i) for i in range(2)]
        for batch in self.scored:
            batch["label"] = np.arange(8, dtype=np.int32) % 2
        self.labelled = [{**source.batch(8, i), "label": np.arange(8, dtype=np.int32) % 2} for i in range(11)]

    def training(self, seed, steps):
        source = CurveSource(8, 24)
        for i in range(steps // 2):
            rows = [source.batch(seed, 2 * i + k) for k in range(2)]
            yield {name: np.stack([row[name] for row in rows])[:, None] for name in rows[0] if name != "label"}


@pytest.fixture(scope="module")
def made():
    """(variant, survey, the record of one run)."""
    variant, survey = Variant("fixed", TINY), MadeUpSurvey()
    batches, fine = (list(survey.training(0, n)) for n in (TINY.steps, TINY.fine_tuning))
    return variant, survey, run(variant, survey, survey, 0, batches, fine)


def test_a_run_records_all_scores_and_can_be_repeated(made):
    variant, survey, record = made
    for part in ("home", "away", "fine_tuned"):
        assert all(math.isfinite(record[part][name]) for name in ("r2", "r2_short", "r2_median"))
    assert record["home"] == record["away"]  # one survey for both
    assert record["fine_tuned"] != record["away"] and record["home"]["r2"] != record["home"]["r2_short"]
    assert 0 <= record["macro_f1"] <= 1 and record["bad_steps"] == 0 and record["processor_seconds_per_update"] > 0
    batches = list(survey.training(0, TINY.steps))
    again = run(variant, survey, survey, 0, batches, ())
    assert again["home"] == record["home"] and "fine_tuned" not in again


def test_seeds_differ_in_weights_and_masks_and_variants_share_them(made):
    variant, _, _ = made
    first, second = variant.start(0), variant.start(1)
    assert int(second.step) - int(first.step) == SEEDS_APART
    differ = jax.tree.map(lambda a, b: bool(np.any(a != b)), first.params, second.params)
    assert differ["encoder"]["embed"]["kernel"]
    assert int(Variant("rotary", TINY).start(1).step) == int(second.step)


def test_variants_differ_in_the_switch_alone():
    for name in VARIANTS:
        settings = experiment_of(name, TINY)
        plain = dataclasses.replace(settings, model=dataclasses.replace(settings.model, positional="fixed"))
        assert settings.model.positional == name and plain == experiment_of("fixed", TINY)


def test_the_probe_learns_from_some_stars_and_tests_as_many_of_every_class_of_others():
    label = np.repeat([0, 1, 2, -1], [100, 60, 39, 50])
    label = np.random.default_rng(0).permutation(label)
    learning, tested = probe_rows(label)
    assert not set(learning) & set(tested)
    assert np.bincount(label[learning]).tolist() == [50, 30] and np.bincount(label[tested]).tolist() == [30, 30]


def record(seed, shift, rng):
    """A made-up run whose scores are a seed's luck plus a shift."""
    luck = np.random.default_rng(seed).normal(0, 0.3)
    score = lambda: {"r2": luck + shift + rng.normal(0, 0.01)}
    more = {"processor_seconds_per_update": 0.01, "parameters": 7}
    return {"seed": seed, "home": score(), "away": score(), "fine_tuned": score(), "macro_f1": score()["r2"], **more}


@pytest.fixture(scope="module")
def runs():
    """A baseline, its equal, a better and a worse one, with luck that all variants of a seed share."""
    rng = np.random.default_rng(5)
    shifts = {"fixed": 0.0, "mlp": 0.0, "rotary": 0.2, "alibi": -0.1}
    return {name: {seed: record(seed, shift, rng) for seed in range(5)} for name, shift in shifts.items()}


def test_differences_are_paired_by_seed(runs):
    found = difference(runs, "rotary", "fixed", ("home", "r2"))
    pairs = [runs["rotary"][s]["home"]["r2"] - runs["fixed"][s]["home"]["r2"] for s in range(5)]
    assert found.mean == pytest.approx(np.mean(pairs)) and found.seeds == 5
    assert found.half_width == pytest.approx(2.776445 * np.std(pairs, ddof=1) / math.sqrt(5), rel=1e-5)
    assert found.half_width < 0.05  # the luck of a seed, thirty times as large as the rest, is gone
    fewer = {**runs, "rotary": {0: runs["rotary"][0], 9: runs["rotary"][1]}}
    single = difference(fewer, "rotary", "fixed", ("home", "r2"))
    assert single.seeds == 1 and math.isnan(single.p) and "±" not in str(single)


def test_the_table_says_what_it_tells_apart(runs, tmp_path):
    rows = summary(runs, "fixed")
    assert [row["variant"] for row in rows] == list(runs) and rows[0]["updates_per_second"] == 100
    said = sentence(rows, "R2", "fixed")
    assert said == "R2: better than fixed: rotary; worse: alibi; cannot be told from it: mlp"
    printed = benchmark.shown(rows)
    assert printed[2]["Δ R2"].endswith("*") and not printed[1]["Δ R2"].endswith("*") and printed[0]["Δ R2"] == ""
    draw(rows, "fixed", tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size < 150_000
    # Scores that were not taken are not drawn, and nothing is said of them.
    bare = {
        name: {s: {k: v for k, v in r.items() if k != "fine_tuned"} for s, r in of.items()} for name, of in runs.items()
    }
    rows = summary(bare, "fixed")
    assert sentence(rows, "fine-tuned R2", "fixed").endswith("cannot be told from it: mlp, rotary, alibi")
    draw(rows, "fixed", tmp_path / "q.png")


def test_pairs_are_told_apart_whichever_is_the_better(runs):
    apart, pairs = pairs_apart(runs, ("home", "r2"))
    over = [("fixed", "alibi"), ("mlp", "alibi"), *(("rotary", worse) for worse in ("alibi", "fixed", "mlp"))]
    assert apart == over and pairs == 6


def test_many_comparisons_need_more_than_one():
    chances = {f"v{i}": Difference(0.1, 0.1, p, 5) for i, p in enumerate((0.001, 0.02, 0.04, math.nan))}
    assert beyond_chance(chances) == {"v0", "v1", "v2"}
    assert beyond_chance({**chances, "v9": Difference(0.1, 0.1, 0.9, 5)}) == {"v0"}


def test_finished_runs_are_not_run_again(runs, tmp_path, monkeypatch, capsys):
    called = []

    def pretend(variant, home, away, seed, batches, fine):
        called.append((variant, seed))
        return runs[variant][seed]

    monkeypatch.setattr(benchmark, "run", pretend)
    monkeypatch.setattr(benchmark, "Variant", lambda name, settings: name)
    monkeypatch.setattr(benchmark, "Survey", lambda data, settings: MadeUpSurvey())
    monkeypatch.setattr(benchmark, "run_key", lambda options: "key")
    words = ["--home", "H", "--away", "A", "--runs", str(tmp_path), "--variants", "fixed", "rotary"]
    words += ["--out", str(tmp_path / "o.json"), "--study.steps", "20", "--study.fine-tuning", "0"]
    assert benchmark.main([*words, "--seeds", "1"]) == 0
    assert benchmark.main([*words, "--seeds", "3"]) == 0
    assert called == [("fixed", 0), ("rotary", 0), ("fixed", 1), ("rotary", 1), ("fixed", 2), ("rotary", 2)]
    assert benchmark.main([*words, "--seeds", "5", "--minutes", "0"]) == 0 and len(called) == 6
    told = json.loads((tmp_path / "o.json").read_text())
    assert told["rows"][1]["R2 difference"]["seeds"] == 3 and "better than fixed: rotary" in capsys.readouterr().out
    (tmp_path / "key" / "fixed_paired-0.json").write_text("{")  # a variant that is not asked for
    assert {name: set(of) for name, of in finished(tmp_path / "key", ("fixed", "mlp")).items()} == {"fixed": {0, 1, 2}}
    (tmp_path / "key" / "rotary-1.json").write_text("{")
    with pytest.raises(ConfigError, match=r"rotary-1\.json.*delete it"):
        benchmark.main([*words, "--seeds", "3"])
    with pytest.raises(ConfigError, match="no variant 'wavelets'"):
        benchmark.main([*words[:6], "--variants", "wavelets"])
