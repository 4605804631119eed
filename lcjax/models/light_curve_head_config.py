"""Settings of classification heads on light curves. Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.schema import Count, DropRate, Settings

PooledHead = Literal["skip_avg_mlp", "avg_mlp", "avg_clf", "mlp_avg", "max", "att_avg", "att_cls", "input_mean"]
RecurrentHead = Literal["lstm_att", "input_gru", "raw_lstm", "raw_gru"]

RAW_HEADS = ("raw_lstm", "raw_gru")
"""Those that read the light curve itself, without an encoder."""
MEAN_HEADS = ("skip_avg_mlp", "avg_mlp", "avg_clf", "max", "input_mean")
"""Those that read nothing of an encoder but one vector a layer: a frozen encoder need not run again for them."""
RECURRENT_HEADS = ("lstm_att", "input_gru", *RAW_HEADS)


@dataclass(frozen=True)
class HeadConfig(Settings):
    """What turns an encoded window into classes."""

    kind: PooledHead | RecurrentHead = "skip_avg_mlp"
    """On an encoder (A&A 707, A170): `skip_avg_mlp` weighted mean over all blocks; `avg_mlp`, `avg_clf` mean of the last
    block, then an MLP or a linear classifier; `mlp_avg` mean of the logits of single points; `max` largest value of every
    channel; `att_avg`, `att_cls` after self-attention, the latter by a class token; `input_mean`, `input_gru` of the
    input embedding alone, mean or GRU. `lstm_att` (A&A 670, A54): two stacked LSTMs over the last block. Without an
    encoder: `raw_lstm`, `raw_gru`."""
    widths: tuple[Count, ...] = (1024, 512, 256)
    """Hidden layers of the MLP."""
    units: Count = 256
    """State of LSTMs and GRUs."""
    dropout: DropRate = 0.3
    """Before the logits of the LSTM heads."""
    scaling: Literal["range", "mean", "gaps"] = "range"
    """What `raw_lstm` and `raw_gru` see: times and magnitudes to [0, 1] in every window (the LSTM of Astromer 1), or with their
    means removed (the GRU of Astromer 2); `gaps`, of no paper: log days since the point before, magnitudes in spreads of the
    window, log of that spread, log error. Days and nights are lost in times of years scaled to 1: see docs/few_shot.md."""
    padding_in_statistics: bool = False
    """`lstm_att` standardises over all steps of a window, padding included, as in the original."""
    inverted_mask: bool = False
    """`avg_mlp`, `att_avg` and `att_cls` pool the padding instead of the points: a mistake of the ablation code of 2025
    whose recorded F1 is that of a guess."""
