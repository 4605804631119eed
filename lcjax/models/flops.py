"""Closed-form floating-point operations, for utilisation figures (XLA's own count is wrong under scan and remat)."""

from lcjax.models.astromer_config import AstromerModelConfig
from lcjax.models.positional_config import PositionalStudyConfig


def transformer_train_flops(tokens: int, length: int, layers: int, width: int, ffn_width: int, extra: int = 0) -> float:
    """Forward and backward of a post- or pre-norm transformer: matrix products only, full attention.

    Args:
      tokens: positions in all windows, padding included. length: keys per query.
      layers, width, ffn_width: shape. extra: further D x D projections a block.

    >>> transformer_train_flops(1, 0, 1, 2, 4)
    192.0
    """
    dense = 2.0 * tokens * layers * ((4 + extra) * width**2 + 2 * width * ffn_width)
    attention = 4.0 * tokens * layers * length * width
    return 3.0 * (dense + attention)


def astromer_train_flops(config: AstromerModelConfig, rows: int, length: int) -> float:
    """Operations of one training step over `rows` windows padded to `length`."""
    extra = 2 if config.residual == "projection" else 0
    tokens = rows * length
    body = transformer_train_flops(tokens, length, config.num_layers, config.width, config.ffn_width, extra)
    features = 3 if config.input_features == "magnitude_and_error" else 1
    projection = config.width**2 if config.time_encoding == "log_periods" else 0
    return body + 6.0 * tokens * (config.width * (features + 1) + projection)


def astromer_flops(config: AstromerModelConfig, rows: int, length: int) -> float:
    """Operations of an answer to `rows` windows padded to `length`: a third of a training step's.

    >>> astromer_flops(AstromerModelConfig(), 1, 200) * 3 == astromer_train_flops(AstromerModelConfig(), 1, 200)
    True
    """
    return astromer_train_flops(config, rows, length) / 3


def positional_train_flops(config: PositionalStudyConfig, rows: int, length: int, longest: int) -> float:
    """As `astromer_train_flops`, of an encoder of the positional study.

    Args:
      longest: columns of a row of time differences.
    """
    tokens, width, variant = rows * length, config.width, config.variant
    body = transformer_train_flops(tokens, length, config.num_layers, width, config.ffn_width)
    pair = 2 * width**2 + length * width  # two projections and their product, multiplications a token
    relative = 2 * width**2 + 2 * length * width  # two projections, two products with the content
    terms = {
        "p2p_all": pair * (config.num_layers - 1),
        "p2p_last": pair,
        "tupe": pair,
        "relative": longest * width + relative * config.num_layers,
        "mixed": longest * width + relative + pair * (config.num_layers - 1),
    }
    source = width if variant.on_sinusoid else 1
    encoding = {
        "mlp": source * config.hidden + config.hidden * width,
        "recurrent": 3 * width * (source + width) + (width**2 if variant.projection else 0),
        "modulation": 4 * config.harmonics * width,
    }
    embedding = (width + 1) * width if variant.joined == "concatenate" and variant.encoding != "modulation" else width
    head = width * (2 if config.predict_variance else 1)
    more = terms.get(variant.attention, 0) + encoding.get(variant.encoding, 0) + embedding + head
    return body + 6.0 * tokens * more
