"""One run of any system: what is opened under which settings, what is said, what `config.json` holds."""

import dataclasses
from types import SimpleNamespace

import pytest

from lcjax.configs import TrainingConfig
from lcjax.systems import training


@dataclasses.dataclass(frozen=True)
class Settings:
    training: TrainingConfig
    system: str = "toy"
    pixels: int = 0


class Split:
    def __init__(self, n_objects):
        self.n_objects, self.fingerprint = n_objects, f"f{n_objects}"

    def describe(self):
        return {"objects": self.n_objects}


class Toy:
    def matched(self, experiment, data, training, say):
        assert training
        say(f"{data.n_objects} matched")
        return data

    def adapt(self, experiment, data):
        return dataclasses.replace(experiment, pixels=data.n_objects)

    def notes(self, experiment, data):
        return [f"{experiment.pixels} pixels"]

    def run_as(self, experiment):
        return experiment

    def can_score(self, data):
        return data.n_objects > 1

    def starting_variables(self, experiment, data, given, say):
        return "weights", given

    def build_task(self, experiment):
        return experiment


@pytest.mark.parametrize(
    ("validates", "held_out", "scores", "start"),
    [(True, 3, True, None), (True, 0, False, "W"), (False, 3, False, None)],
)
def test_a_run(monkeypatch, tmp_path, validates, held_out, scores, start):
    calls, opened, said = [], [], []
    given = f"model of {start}" if start else None
    monkeypatch.setattr(training, "load", lambda name, say: f"model of {name}")
    monkeypatch.setattr(training, "find_system", lambda name: Toy())
    monkeypatch.setattr(training, "experiment_record", lambda experiment, **more: more)
    monkeypatch.setattr(training, "fit", lambda *a, **k: calls.append(SimpleNamespace(a=a, **k)) or "done")

    def opens(split, experiment):
        opened.append((split, experiment.pixels))
        return Split(7 if split == "train" else held_out)

    settings = Settings(TrainingConfig(initial_weights=start))
    run = lambda: training.train_system("p", settings, opens, validates, {"paths": ["D"]}, tmp_path, said.append)
    assert run() == "done"
    assert opened == [("train", 0)] + [("validation", 7)] * validates
    told = ["7 matched", "7 pixels"] + [f"{held_out} matched"] * validates
    assert said[: len(told)] == told and (len(said) == len(told)) == scores
    (call,) = calls
    task, learned, train, validation, workdir = call.a
    assert task == learned == dataclasses.replace(settings, pixels=7) and train.n_objects == 7 and workdir == tmp_path
    assert (validation is not None) == scores and call.initial_variables == ("weights", given)
    data = {"fingerprint": "f7", "objects": 7, "paths": ["D"]}
    assert call.config_record == {"preset": "p", "data": data | ({"validation": {"objects": 3}} if scores else {})}
    (tmp_path / "checkpoints" / "1").mkdir(parents=True)
    run()
    assert calls[1].initial_variables is None  # a run that goes on has its own
