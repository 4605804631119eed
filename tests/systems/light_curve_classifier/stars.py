"""Made-up stars of three classes as a split of prepared data would be, and a tiny encoder for them."""

import dataclasses

import numpy as np

from lcjax.systems import PRESETS
from lcjax.systems.light_curve_classifier.config import SubsetConfig
from tests.inference.models import experiment as encoder_settings
from tests.inference.models import weights_folder

CLASSES = ("flat", "sine", "rare")
LENGTH = 40


class Split:
    """A split: of every class but the rare one `stars` stars, each with one or two windows; the last star has no class."""

    class_names = CLASSES

    def __init__(self, split="train", stars=8, rare=2, bands=("",), seed=0):
        self.split, self.fingerprint = split, f"{split}-{stars}-{rare}-{seed}"
        counts = {"flat": stars, "sine": stars, "rare": rare}
        kinds = [name for name, count in counts.items() for _ in range(count)]
        records = [(f"{split}{i}", kind, band) for i, kind in enumerate(kinds) for band in bands] + [("x", None, "")]
        self.object_ids = np.array([r[0] for r in records], object)
        self.labels = np.array([-1 if r[1] is None else CLASSES.index(r[1]) for r in records], np.int32)
        self.bands = [r[2] for r in records]
        self.used = np.arange(len(records))
        self.dataset_of_record = np.array(["toy"] * len(records), object)
        self.n_objects, self._numbers, self._seed = len(set(self.object_ids)), None, seed

    def relabelled(self, class_names):
        self._numbers = [*(class_names.index(c) if c in class_names else -1 for c in CLASSES), -1]
        return self

    def describe(self):
        return {"objects": self.n_objects}

    def windows(self):
        """(record, points) of every window; records of even number have two."""
        return [(r, 12 + (7 * r + w) % 20) for r in range(len(self.labels)) for w in range(2 - r % 2)]

    def evaluation_batches(self, rows=4):
        windows = self.windows()
        for at in range(0, len(windows), rows):
            part = windows[at : at + rows]
            part += [(-1, 0)] * (rows - len(part))
            record, points = (np.array(column) for column in zip(*part, strict=True))
            mask = np.arange(LENGTH) < points[:, None]
            rng = np.random.default_rng((self._seed, at))
            time = np.sort(np.where(mask, rng.uniform(0, 40, mask.shape), 99), 1)
            wave = np.where(self.labels[record][:, None] == 1, np.sin(time), 0)
            label = np.where(record >= 0, self.labels[record], -1)
            yield {
                "time": np.where(mask, time, 0).astype(np.float32),
                "magnitude": np.where(mask, 15 + wave + rng.normal(0, 0.05, mask.shape), 0).astype(np.float32),
                "magnitude_error": np.where(mask, 0.05, 0).astype(np.float32),
                "mask": mask,
                "length": points.astype(np.int32),
                "label": np.array(label if self._numbers is None else np.take(self._numbers, label), np.int32),
                "weight": (record >= 0).astype(np.float32),
                "record": record,
                "object_id": np.where(record >= 0, self.object_ids[record], ""),
            }


def settings(encoder="", preset="few-shot", **changes):
    """A small experiment."""
    base = PRESETS[preset]()
    head = dataclasses.replace(base.head, widths=(16, 8), units=4)
    training = dataclasses.replace(
        base.training, steps=12, batch_size=8, evaluate_every=4, checkpoint_every=4, log_every=4
    )
    optimizer = dataclasses.replace(base.optimizer, learning_rate=1e-2)
    defaults = dict(head=head, training=training, optimizer=optimizer, encoder=str(encoder), samples_per_class=4)
    return dataclasses.replace(base, **(defaults | changes))


def encoder_folder(folder, parity=False):
    """A weights folder of an untrained encoder of two blocks, windows of 40 points."""
    weights_folder(folder, encoder_settings(parity=parity, length=LENGTH))
    return folder


__all__ = ["CLASSES", "LENGTH", "Split", "SubsetConfig", "encoder_folder", "settings"]
