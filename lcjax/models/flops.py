"""Closed-form floating-point operations, for utilisation figures (XLA's own count is wrong under scan and remat)."""

from lcjax.models.astromer_config import AstromerModelConfig


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
