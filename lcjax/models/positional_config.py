"""Variants of the positional-encoding study (arXiv 2308.06404) as plain settings. Nothing here imports jax."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.schema import Count, Positive, Settings


@dataclass(frozen=True)
class PositionalEncoding(Settings):
    """What a variant makes of time, and where it enters the network."""

    encoding: Literal["sinusoid", "mlp", "recurrent", "modulation", "none"] = "sinusoid"
    """Of every time: sines and cosines, an MLP, a GRU, scale and shift of the magnitude (time modulation), or nothing."""
    frequencies: Literal["published", "paired", "log_periods"] = "published"
    """Of sinusoids: a frequency for every channel, the classic pairs, or periods spaced evenly in log."""
    trainable: bool = False
    """Sinusoids of trained frequencies, which start as `frequencies` says."""
    on_sinusoid: bool = False
    """MLP or GRU read the sinusoid instead of bare time (the Fourier-style variants)."""
    projection: bool = False
    """A dense layer after the GRU."""
    joined: Literal["sum", "concatenate", "output", "attention"] = "sum"
    """Added to the embedded magnitude; [encoding, magnitude] embedded together; added to the output of the last block
    (PEA); or only inside attention."""
    attention: Literal["none", "p2p_all", "p2p_last", "tupe", "relative", "mixed", "alibi", "rotary"] = "none"
    """What attention knows of time by itself: position-to-position terms by the block's own projections, from the second
    block on or in the last alone; the same by shared projections in every block (TUPE-A); content-position terms of a dense
    layer over each row of time differences, in every block or (mixed) in the first, with position-to-position terms in the
    others; a penalty that grows with the distance in the sequence (ALiBi); queries and keys rotated by time."""

    def __post_init__(self) -> None:
        """Raises ConfigError for values that are not allowed or do not fit each other."""
        super().__post_init__()
        encoded = self.encoding not in ("none", "modulation")
        if self.attention in ("p2p_all", "p2p_last", "tupe", "mixed") and not encoded:
            raise ConfigError(
                f"the attention terms '{self.attention}' are products of encodings, and encoding '{self.encoding}' gives "
                "none: choose sinusoid, mlp or recurrent"
            )
        if self.joined == "attention" and self.attention == "none":
            raise ConfigError(
                "joined 'attention' without attention terms leaves time out: name terms, or take positional 'none'"
            )

    @property
    def uses_frequencies(self) -> bool:
        """Whether time is multiplied by frequencies anywhere that counts."""
        sinusoid = self.encoding == "sinusoid" or (self.on_sinusoid and self.encoding in ("mlp", "recurrent"))
        entered = self.joined != "attention" or self.attention in ("p2p_all", "p2p_last", "tupe", "mixed")
        return self.attention == "rotary" or (sinusoid and entered)


_Variant = PositionalEncoding
VARIANTS: Mapping[str, PositionalEncoding] = MappingProxyType(
    {
        "fixed": _Variant(),
        "fixed_paired": _Variant(frequencies="paired"),
        "fixed_log_periods": _Variant(frequencies="log_periods"),
        "trainable": _Variant(trainable=True),
        "trainable_paired": _Variant(frequencies="paired", trainable=True),
        "trainable_log_periods": _Variant(frequencies="log_periods", trainable=True),
        "mlp": _Variant("mlp"),
        "fourier_mlp": _Variant("mlp", on_sinusoid=True, trainable=True),
        "recurrent": _Variant("recurrent"),
        "recurrent_projected": _Variant("recurrent", projection=True),
        "fourier_recurrent": _Variant("recurrent", on_sinusoid=True, trainable=True, projection=True),
        "modulation": _Variant("modulation"),
        "p2p": _Variant(attention="p2p_all"),
        "p2p_last": _Variant(joined="attention", attention="p2p_last"),
        "tupe": _Variant(joined="attention", attention="tupe"),
        "relative": _Variant("none", attention="relative"),
        "mixed": _Variant(joined="attention", attention="mixed"),
        "alibi": _Variant("none", attention="alibi"),
        "rotary": _Variant("none", attention="rotary"),
        "concatenated": _Variant(joined="concatenate"),
        "pea": _Variant(joined="output"),
        "none": _Variant("none"),
    }
)
"""Named variants; `none` knows no time at all: what the others are worth."""

CADENCE_RATIOS: Mapping[str, float] = MappingProxyType(
    {"alcock": 0.752, "atlas": 1.005, "ogle": 0.800, "kepler": 122.505}
)
"""By which the authors multiply the frequencies of a network pretrained on MACHO for other surveys ("data correction")."""


@dataclass(frozen=True)
class PositionalStudyConfig(Settings):
    """An encoder of Astromer 1's shape, and how it is told the time (arXiv 2308.06404)."""

    num_layers: Count = 2
    num_heads: Count = 4
    width: Count = 256
    """Model width D; a head is width / num_heads wide."""
    ffn_width: Count = 128
    positional: Literal[
        "fixed", "fixed_paired", "fixed_log_periods", "trainable", "trainable_paired", "trainable_log_periods", "mlp",
        "fourier_mlp", "recurrent", "recurrent_projected", "fourier_recurrent", "modulation", "p2p", "p2p_last", "tupe",
        "relative", "mixed", "alibi", "rotary", "concatenated", "pea", "none", "custom",
    ] = "fixed"  # fmt: skip
    """The variant; `custom` takes the fine settings of `custom`."""
    custom: PositionalEncoding = field(default_factory=PositionalEncoding)
    """Fine settings, for positional=custom alone."""
    time_base: Positive = 1000.0
    """Published and paired frequencies fall from 1 rad/day by this factor; times the exponent's power if published."""
    time_exponent: float = 1.0
    min_period: Positive = 0.01
    """Days; log-spaced periods, and those of rotations."""
    max_period: Positive = 1825.0
    cadence_ratio: Positive = 1.0
    """Frequencies are multiplied by it: for a survey of another cadence than that of the pretraining (`CADENCE_RATIOS`)."""
    hidden: Count = 128
    """Hidden width of the MLP."""
    max_time: Positive = 1500.0
    """Days; longest period of time modulation."""
    harmonics: Count = 64
    """Of time modulation."""
    predict_variance: bool = False
    """The head also predicts a log variance: error bars for reconstructed points."""
    parity: bool = False
    """Mask as the authors do, by -1e9 where query or key is hidden: hidden points attend to everything, themselves and the
    padding included. False: nobody sees hidden magnitudes or padding."""

    def __post_init__(self) -> None:
        """Raises ConfigError for values that are not allowed or do not fit each other."""
        super().__post_init__()
        if self.width % self.num_heads:
            raise ConfigError(f"a width of {self.width} cannot be shared by {self.num_heads} heads: make it a multiple")
        if self.min_period >= self.max_period:
            raise ConfigError(f"periods from {self.min_period:g} to {self.max_period:g} days are none: swap them")
        if self.positional != "custom" and self.custom != PositionalEncoding():
            raise ConfigError(f"custom settings need positional 'custom', and it is '{self.positional}': set it too")
        if self.variant.attention == "rotary" and self.width // self.num_heads % 2:
            raise ConfigError(
                f"rotations need heads of an even width, and {self.width} over {self.num_heads} heads is "
                f"{self.width // self.num_heads}: change the width or the number of heads"
            )
        if self.cadence_ratio != 1.0 and not self.variant.uses_frequencies:
            raise ConfigError(
                f"a cadence ratio multiplies frequencies, and positional '{self.positional}' has none: leave it at 1"
            )

    @property
    def variant(self) -> PositionalEncoding:
        """The fine settings."""
        return self.custom if self.positional == "custom" else VARIANTS[self.positional]
