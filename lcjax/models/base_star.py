"""The network of `lcjax-base`: an encoder of stars and a decoder of hidden points, which share the embedding."""

import flax.linen as nn

from lcjax.models.recognition import Recognition
from lcjax.models.star_decoder import StarDecoder
from lcjax.models.star_encoder import StarEncoder
from lcjax.models.star_encoder_config import StarDecoderConfig, StarEncoderConfig
from lcjax.typing import Array, Axis


class BaseStar(nn.Module):
    """Views, and points as `StarDecoder` takes them -> what both say."""

    encoder: StarEncoderConfig
    decoder: StarDecoderConfig
    classes: int = 0
    """Of simulated stars that are told apart in training; 0: there are none."""
    distilled: bool = False
    """Whether training foretells what a slow copy of the encoder makes of another part of the star."""

    def setup(self) -> None:
        """Two parts, and one that only training needs."""
        self.encode_star = StarEncoder(self.encoder)
        self.decode_points = StarDecoder(self.decoder)
        if self.classes:
            self.recognise_star = Recognition(self.classes)
        if self.distilled:
            self.foretell_in = nn.Dense(self.encoder.width)
            self.foretell_out = nn.Dense(self.encoder.projection)

    def encode(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """The encoder alone."""
        return self.encode_star(batch, deterministic, axis)

    def decode(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """The decoder alone, of an embedding that is there."""
        return self.decode_points(batch, deterministic, axis)

    def recognise(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Class and period of `views`; see `Recognition`."""
        return self.recognise_star(self.encode(batch, deterministic, axis)["embedding"])

    def foretell(self, projection: Array) -> Array:
        """(B, P) of one part of stars -> (B, P), what the teacher is to say of the other part."""
        return self.foretell_out(nn.gelu(self.foretell_in(projection)))

    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """All."""
        found = self.encode(batch, deterministic, axis)
        if self.classes:
            found |= self.recognise_star(found["embedding"])
        if self.distilled:
            found["foretold"] = self.foretell(found["projection"])
        return {**found, **self.decode({**batch, "embedding": found["embedding"]}, deterministic, axis)}
