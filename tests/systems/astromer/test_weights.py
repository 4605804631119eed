import json

import numpy as np
import pytest

from lcjax.errors import StorageError, WeightsError
from lcjax.pretrained import read_weights, write_weights
from lcjax.systems.importing import import_weights
from lcjax.training.checkpoint import restore_variables
from tests.pretrained.checkpoints import SUFFIX, astromer_arrays, published_folder, save, settings


@pytest.mark.parametrize(
    "system,layers,width,heads,ffn,token",
    [
        ("astromer1", 2, 12, 3, 10, False),
        ("astromer1", 3, 8, 2, 20, False),
        ("astromer2", 4, 8, 2, 6, False),
        ("astromer2", 1, 6, 1, 9, True),
    ],
)
def test_other_sizes(tmp_path, system, layers, width, heads, ffn, token):
    folder, arrays = published_folder(tmp_path / "s", system, layers, width, heads, ffn, token, window=64)
    found = import_weights(system, folder)
    model = found.experiment.model
    assert (model.num_layers, model.width, model.num_heads, model.ffn_width) == (layers, width, heads, ffn)
    assert model.parity and model.mask_token is token
    assert found.experiment.window.length == 64
    assert found.experiment.masking.probed == 0.4 and found.experiment.masking.same == 0.3
    assert found.parameters == sum(v.size for v in arrays.values())
    root = "layer_with_weights-1" if token else "layer_with_weights-0"
    query = arrays[f"{root}/enc_layers/{layers - 1}/mha/wq/kernel{SUFFIX}"]
    np.testing.assert_array_equal(found.variables["params"][f"block_{layers - 1}"]["query"]["kernel"], query)
    if token:
        assert found.variables["params"]["mask_token"] == arrays[f"layer_with_weights-0/msk_token{SUFFIX}"]


def test_bookkeeping_is_left_out_and_reported(tmp_path):
    arrays = astromer_arrays(0, 1, 4, 4, leak=False)
    kernel = f"layer_with_weights-1/reg_layer/kernel/.OPTIMIZER_SLOT/optimizer/m{SUFFIX}"
    extra = {
        f"save_counter{SUFFIX}": np.int64(3),
        f"optimizer/iter{SUFFIX}": np.int64(9),
        kernel: np.zeros((4, 1), np.float32),
    }
    save(tmp_path / "weights", arrays | extra)
    found = import_weights("astromer1", tmp_path, num_heads=2)
    assert found.ignored == sorted(name.removesuffix(SUFFIX) for name in extra)
    assert found.experiment.model.num_heads == 2


def change(folder, arrays, **edits):
    """Rewrites the checkpoint with some variables replaced (None: removed); names as written, `__` for `/`."""
    for name, value in edits.items():
        key = name.replace("__", "/") + SUFFIX
        if value is None:
            arrays.pop(key)
        else:
            arrays[key] = value
    for file in folder.glob("weights*"):
        file.unlink()
    save(folder / "weights", arrays)


def test_missing_unknown_and_misshapen_variables(tmp_path):
    folder, arrays = published_folder(tmp_path / "s", "astromer1")
    original = dict(arrays)
    lost = "layer_with_weights-0/enc_layers/1/mha/wk/bias" + SUFFIX
    change(folder, {k: v for k, v in original.items() if k != lost})
    with pytest.raises(WeightsError, match=r"missing.*enc_layers/1/mha/wk/bias"):
        import_weights("astromer1", folder)
    change(folder, original | {"layer_with_weights-0/extra/kernel" + SUFFIX: np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match=r"unknown.*extra/kernel"):
        import_weights("astromer1", folder)
    change(folder, original | {"layer_with_weights-7/kernel" + SUFFIX: np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match=r"unknown.*layer_with_weights-7/kernel"):
        import_weights("astromer1", folder)
    change(folder, original | {lost: np.zeros(5, np.float32)})
    with pytest.raises(WeightsError, match=r"shape \(5,\)"):
        import_weights("astromer1", folder)
    change(folder, original | {lost: np.full(12, np.nan, np.float32)})
    with pytest.raises(WeightsError, match="not finite"):
        import_weights("astromer1", folder)
    change(folder, {k: v for k, v in original.items() if "enc_layers/0/" not in k})
    with pytest.raises(WeightsError, match="block 0"):
        import_weights("astromer1", folder)


def test_settings_that_disagree(tmp_path):
    folder, _ = published_folder(tmp_path / "s", "astromer1")
    for name, wrong in (("layers", 3), ("head_dim", 16), ("dff", 11), ("heads", 5), ("dropout", "much")):
        conf = json.loads(settings("astromer1", 2, 12, 3, 10)[1])
        (folder / "conf.json").write_text(json.dumps({**conf, name: wrong}))
        with pytest.raises(WeightsError):
            import_weights("astromer1", folder)
    for text in ("{", "[" * 100_000):
        (folder / "conf.json").write_text(text)
        with pytest.raises(WeightsError, match=r"conf\.json"):
            import_weights("astromer1", folder)


def test_settings_one_folder_up_and_in_sections(tmp_path):
    folder, _ = published_folder(tmp_path / "weights", "astromer2", heads=6)
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").unlink()
    (tmp_path / "config.toml").write_text(f"[pretrain]\n{text}")
    assert import_weights("astromer2", tmp_path).experiment.model.num_heads == 6
    assert import_weights("astromer2", folder / "weights").experiment.model.num_heads == 6


def test_the_other_system_is_named(tmp_path):
    one, _ = published_folder(tmp_path / "1", "astromer1")
    two, _ = published_folder(tmp_path / "2", "astromer2")
    with pytest.raises(WeightsError, match="import astromer1"):
        import_weights("astromer2", one)
    with pytest.raises(WeightsError, match="import astromer2"):
        import_weights("astromer1", two)
    with pytest.raises(WeightsError, match="there are astrom3, astromer1"):
        import_weights("astromer3", two)


def test_written_folder_is_read_back_in_both_ways(tmp_path):
    import jax

    folder, _ = published_folder(tmp_path / "s", "astromer2")
    found = import_weights("astromer2", folder)
    record = write_weights(tmp_path / "W", found)
    for again, variables in (read_weights(tmp_path / "W"), restore_variables(tmp_path / "W")):
        assert again == record
        jax.tree.map(np.testing.assert_array_equal, variables, found.variables)
    write_weights(tmp_path / "W", found)  # an import may be renewed
    assert not list(tmp_path.glob(".*"))


def test_out_folder_of_others_is_refused(tmp_path):
    folder, _ = published_folder(tmp_path / "s", "astromer1")
    found = import_weights("astromer1", folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(StorageError, match=r"thesis\.tex"):
        write_weights(tmp_path / "mine", found)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "x"
    (tmp_path / "mine" / "thesis.tex").unlink()
    write_weights(tmp_path / "mine", found)
    (tmp_path / "mine" / "checkpoints").mkdir()
    with pytest.raises(StorageError, match="checkpoints"):
        write_weights(tmp_path / "mine", found)


def test_damaged_safetensors(tmp_path):
    folder, _ = published_folder(tmp_path / "s", "astromer1")
    write_weights(tmp_path / "W", import_weights("astromer1", folder))
    file = tmp_path / "W" / "weights.safetensors"
    whole = file.read_bytes()
    for damaged in (whole[:-3], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        file.write_bytes(damaged)
        with pytest.raises(WeightsError, match="safetensors"):
            read_weights(tmp_path / "W")


def test_published_astromer_1(data_root, golden_root, tmp_path):
    source, golden = data_root / "astromer" / "macho_a0", golden_root / "astromer1" / "published_macho.npz"
    if not (source.is_dir() and golden.is_file()):
        pytest.skip("the published checkpoint or its recorded arrays are not at hand")
    found = import_weights("astromer1", source)
    assert found.parameters == 661_505 and not found.ignored
    record = write_weights(tmp_path / "W", found)
    assert record["weights"]["parameters"] == 661_505
    with np.load(golden) as recorded:
        np.testing.assert_array_equal(
            read_weights(tmp_path / "W")[1]["params"]["block_1"]["merge"]["kernel"],
            recorded["w/encoder/enc_layers/1/mha/dense/kernel"],
        )
