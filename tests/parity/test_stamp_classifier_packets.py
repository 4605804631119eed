"""From real alert packets to the recorded answers: reader, columns, features, crop and network in one."""

import jax
import numpy as np
import pytest

from data_pipelines.kinds.alerts.records import alert_columns, stack_stamps
from data_pipelines.sources.alerts import Alert, read_alerts
from lcjax.systems import build_task
from lcjax.systems.stamp_classifier.weights import import_stamps


def test_packets_to_recorded_answers(golden_root, data_root, subtests):
    folder = golden_root / "stamp_classifier"
    packets = data_root / "ztf_alerts"
    if not (folder / "golden_alerts.npz").exists() or not packets.is_dir():
        pytest.skip(f"recorded answers or packets are not at hand ({folder}, {packets})")
    with np.load(folder / "golden_alerts.npz", allow_pickle=False) as z:
        golden = {name: z[name] for name in z.files}
    places = {int(candid): i for i, candid in enumerate(golden["candid"])}
    found = {a.alert_id: a for a in read_alerts([packets / "kowalski_avro", packets / "fink"]) if isinstance(a, Alert)}
    common = [c for c in places if c in found]
    if not common:
        pytest.skip("the recorded alerts are not among these packets")
    index = [places[c] for c in common]
    stamps = np.stack([stack_stamps(found[c]) for c in common])
    columns = [alert_columns(found[c]) for c in common]
    for name in sorted(k.removesuffix("_logits") for k in golden if k.endswith("_logits")):
        with subtests.test(name):
            imported = import_stamps(folder / f"ckpt_{name}_variables.npz")
            wanted = imported.experiment.inputs.metadata_names
            metadata = np.array([[row[w] for w in wanted] for row in columns], np.float32)
            batch = {"stamps": stamps, "metadata": metadata.reshape(len(common), len(wanted))}
            answers = jax.jit(build_task(imported.experiment).predict)(imported.variables, batch)
            np.testing.assert_allclose(answers["logits"], golden[f"{name}_logits"][index], rtol=1e-4, atol=2e-4)
