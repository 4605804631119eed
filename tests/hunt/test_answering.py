"""Models that fail: on one candidate, on all, with answers that are no numbers; none keeps the others from answering."""

import time

import numpy as np

from lcjax.hunt import background as module
from tests.hunt.nights import Brightness, candidate, make_night


class Fragile(Brightness):
    """Breaks at one candidate, and answers another with NaN."""

    def classify(self, candidates):
        if any(c.object_id == "ZTF00003" for c in candidates):
            raise ValueError("odd shape")
        found = super().classify(candidates)
        return [np.full(5, np.nan) if c.object_id == "ZTF00004" else f for c, f in zip(candidates, found, strict=True)]


class Broken(Brightness):
    """Answers nobody, until it is mended."""

    mended = False

    def classify(self, candidates):
        if not self.mended:
            raise MemoryError("no room")
        return super().classify(candidates)


def test_broken_models(tmp_path, enter, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    broken = Broken("broken")
    night = make_night(tmp_path, [candidate(n) for n in range(6)], models=[broken, Fragile("fragile")], start=False)
    night.background.start()
    ann = enter(night)
    try:
        said = lambda: {p["model"]: p for p in ann.get("/api/candidates/4").json().get("predictions", [])}
        wait = lambda condition: next(True for _ in range(200) if condition() or time.sleep(0.05))
        assert wait(lambda: "fragile" in said())
        progress = ann.get("/api/progress").json()
        assert progress["troubles"] == ["asking 'broken': MemoryError: no room"] and progress["classify"] == 6
        assert said()["fragile"]["refused"] == "the model failed: ValueError: odd shape"
        other = ann.get("/api/candidates/5").json()["predictions"]
        assert "NaN" in other[0]["refused"] and other[0]["probabilities"] is None
        assert ann.get("/api/candidates/2").json()["predictions"][0]["probabilities"] is not None
        broken.mended = True
        assert wait(lambda: "broken" in said() and not ann.get("/api/progress").json()["troubles"])
        assert ann.get("/api/candidates").json()["rows"][0]["score"] is not None
    finally:
        night.background.stop()
        night.database.close()
