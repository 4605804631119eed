"""TensorFlow checkpoints made by TensorFlow itself, for the readers that do without it."""

import json

import numpy as np

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def save(prefix, arrays, shards=1):
    """Writes name -> array as a name-based checkpoint of one or more shards."""
    import tensorflow as tf

    names = list(arrays)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    pieces = []
    for i in range(shards):
        mine = names[i::shards]
        piece = str(prefix) if shards == 1 else f"{prefix}-piece{i}"
        tf.raw_ops.SaveV2(
            prefix=piece,
            tensor_names=mine,
            shape_and_slices=[""] * len(mine),
            tensors=[tf.constant(arrays[n]) for n in mine],
        )
        pieces.append(piece)
    if shards > 1:
        tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=pieces, destination_prefix=str(prefix))
    return prefix


def astromer_arrays(seed, layers, width, ffn, leak, token=False):
    """Random variables of an Astromer under the object paths of the published checkpoints."""
    rng = np.random.default_rng(seed)
    dense = {"kernel": (width, width), "bias": (width,)}
    norm = {"gamma": (width,), "beta": (width,)}
    shapes = {}
    first = 1 if token else 0
    for i in range(layers):
        block = f"layer_with_weights-{first}/enc_layers/{i}"
        for part in (
            "mha/wq",
            "mha/wk",
            "mha/wv",
            "mha/dense",
            *(["reshape_leak_1", "reshape_leak_2"] if leak else []),
        ):
            shapes |= {f"{block}/{part}/{leaf}": shape for leaf, shape in dense.items()}
        for part in ("layernorm1", "layernorm2"):
            shapes |= {f"{block}/{part}/{leaf}": shape for leaf, shape in norm.items()}
        shapes |= {
            f"{block}/ffn/layer_with_weights-0/kernel": (width, ffn),
            f"{block}/ffn/layer_with_weights-0/bias": (ffn,),
        }
        shapes |= {
            f"{block}/ffn/layer_with_weights-1/kernel": (ffn, width),
            f"{block}/ffn/layer_with_weights-1/bias": (width,),
        }
    shapes |= {f"layer_with_weights-{first}/inp_transform/kernel": (1, width)}
    shapes |= {f"layer_with_weights-{first}/inp_transform/bias": (width,)}
    head = f"layer_with_weights-{first + 1}"
    shapes |= {f"{head}/bn_0/gamma": (width,), f"{head}/bn_0/beta": (width,)}
    shapes |= {f"{head}/reg_layer/kernel": (width, 1), f"{head}/reg_layer/bias": (1,)}
    if token:
        shapes["layer_with_weights-0/msk_token"] = (1, 1)
    return {name + SUFFIX: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def settings(system, layers, width, heads, ffn, window=200):
    """(file name, text) of the settings the published code leaves beside a checkpoint."""
    if system == "astromer1":
        conf = {"layers": layers, "heads": heads, "head_dim": width, "dff": ffn, "base": 1000, "max_obs": window}
        return "conf.json", json.dumps({**conf, "dropout": 0.1, "msk_frac": 0.4, "same_frac": 0.3, "rnd_frac": 0.2})
    lines = [
        f"num_layers = {layers}",
        f"num_heads = {heads}",
        f"head_dim = {width // heads}",
        f"mixer = {ffn}",
        f"window_size = {window}",
        'mask_format = "K"',
        "m_alpha = -1000000000.0",
        "temperature = 0.0",
        "pe_base = 1000",
        "probed = 0.4",
        "rs = 0.3",
        'arch = "zero"',
    ]
    return "config.toml", "\n".join(lines)


def published_folder(folder, system, layers=2, width=12, heads=3, ffn=10, token=False, seed=0, window=200):
    """A folder like the published ones; returns (folder, arrays by object path)."""
    arrays = astromer_arrays(seed, layers, width, ffn, leak=system == "astromer2", token=token)
    save(folder / "weights", arrays)
    name, text = settings(system, layers, width, heads, ffn, window)
    (folder / name).write_text(text)
    return folder, arrays
