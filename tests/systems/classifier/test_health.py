"""The health monitor on the published checkpoints: the dead image branch is caught, live networks pass."""

import numpy as np
import pytest

from lcjax.systems import build_task
from lcjax.systems.classifier.config import HealthConfig
from lcjax.systems.classifier.health import WHOLE, answer_alerts, feature_groups
from lcjax.systems.stamp_classifier.config import FEATURES_26
from lcjax.systems.stamp_classifier.weights import import_stamps
from tests.systems.classifier.stamp_alerts import AlertSource, tiny, untrained


def batches_of(folder, name, wanted, rows=16):
    """Recorded raw alerts as evaluation batches, in the columns wanted, the last one filled up."""
    with np.load(folder / "golden_alerts.npz", allow_pickle=False) as z:
        raw, columns, names = z["raw_stamps"], z["raw_features"], [str(n) for n in z["feature_names"]]
        objects = z["object_id"][: len(raw)]
        label = z[f"{name}_logits"][: len(raw)].argmax(-1)
    metadata = columns[: len(raw)][:, [names.index(n) for n in wanted]].astype(np.float32)
    for start in range(0, len(raw), rows):
        index = np.arange(start, min(start + rows, len(raw)))
        fill = np.zeros(rows - len(index), int)
        take = np.concatenate([index, fill])
        yield {
            "stamps": raw[take],
            "metadata": metadata[take],
            "label": label[take].astype(np.int32),
            "weight": np.concatenate([np.ones(len(index)), fill]).astype(np.float32),
            "object_id": objects[take],
        }


def answers(golden_root, name):
    folder = golden_root / "stamp_classifier"
    file = folder / f"ckpt_{name}_variables.npz"
    if not file.exists():
        pytest.skip(f"{file} is not at hand")
    imported = import_stamps(file)
    batches = batches_of(folder, name, imported.experiment.inputs.metadata_names)
    return imported, answer_alerts(build_task(imported.experiment), imported.variables, batches)


def intermediates(golden_root):
    file = golden_root / "stamp_classifier" / "golden_intermediates.npz"
    if not file.exists():
        pytest.skip(f"{file} is not at hand")
    with np.load(file, allow_pickle=False) as z:
        return {name: z[name] for name in z.files}


def test_the_dead_image_branch_of_the_published_checkpoint_is_caught(golden_root):
    recorded = intermediates(golden_root)
    if "meta26.conv_5" not in recorded or recorded["meta26.conv_5"].any():
        pytest.skip("the recorded checkpoint with metadata is not the dead one")
    imported, found = answers(golden_root, "meta26")
    assert found.live["conv_4"] == found.live["conv_5"] == 0 and found.live["conv_1"] > 0
    assert found.effect("image") == 0 and found.effect("metadata") > 0.1
    assert found.effect("sky position") > 0 and found.effect("history") > 0
    warnings = found.warnings(HealthConfig())
    assert len(warnings) == 2
    assert "conv_4, conv_5" in warnings[0] and "swapping the image" in warnings[1]
    assert any("dead branch" in note and "conv_4, conv_5" in note for note in imported.notes)
    with np.load(golden_root / "stamp_classifier" / "golden_alerts.npz", allow_pickle=False) as z:
        np.testing.assert_allclose(found.probabilities[WHOLE], z["meta26_probs"][: len(found.label)], atol=1e-5)


@pytest.mark.parametrize("name", ["imageonly", "imageonly_entropyreg"])
def test_the_image_only_checkpoints_are_well(golden_root, name):
    recorded = [x for key, x in intermediates(golden_root).items() if key.startswith(f"{name}.") and "Relu" in key]
    limits = HealthConfig()
    imported, found = answers(golden_root, name)
    if any(np.mean(x.reshape(-1, x.shape[-1]).max(0) > 0) <= limits.live_units for x in recorded):
        assert found.warnings(limits)  # a stranger's checkpoint may have a dead layer, and is told of then
        return
    assert min(found.live.values()) > limits.live_units and found.effect("image") > limits.effect
    assert list(found.effects) == ["image"]
    assert not found.warnings(limits) and not any("dead" in note for note in imported.notes)
    with np.load(golden_root / "stamp_classifier" / "golden_alerts.npz", allow_pickle=False) as z:
        expected = z[f"{name}_probs"][: len(found.label)]
    np.testing.assert_allclose(found.probabilities[WHOLE], expected, atol=1e-4)


def of_our_own(dead):
    """Answers of a small network with random weights; `dead`: no unit of its second convolution ever fires."""
    loaded = untrained(tiny())
    layer = loaded.variables["params"]["conv_2"]
    layer["bias"] = layer["bias"] - 1e4 * dead
    return answer_alerts(loaded.task, loaded.variables, AlertSource(40, 16, 3, 31).evaluation_batches())


def test_a_dead_image_branch_of_our_own_is_caught():
    found = of_our_own(dead=True)
    assert found.live["conv_2"] == 0 and found.live["conv_1"] > 0
    assert found.effect("image") == 0 and found.effect("metadata") > 0
    layers, image = found.warnings(HealthConfig())
    assert "conv_2" in layers and "swapping the image" in image


def test_a_network_of_our_own_is_well():
    found = of_our_own(dead=False)
    limits = HealthConfig()
    assert min(found.live.values()) > limits.live_units and not found.warnings(limits)
    assert all(effect > 0 for effect in found.effects.values())
    for name in found.effects:
        changed = 0.5 * np.abs(found.probabilities[WHOLE] - found.probabilities[f"without {name}"]).sum(-1).mean()
        assert found.effect(name) == pytest.approx(changed)


def test_groups_are_those_the_network_takes():
    groups = feature_groups(FEATURES_26)
    assert [int(m.sum()) for m in groups.values()] == [26, 6, 3]
    assert list(feature_groups(("fwhm", "ra"))) == ["metadata", "sky position"]
    assert feature_groups(()) == {}
