"""The network of `lcjax-base`: an encoder of stars and a decoder of hidden points, which share the embedding."""

import flax.linen as nn

from lcjax.models.star_decoder import StarDecoder
from lcjax.models.star_encoder import StarEncoder
from lcjax.models.star_encoder_config import StarDecoderConfig, StarEncoderConfig
from lcjax.typing import Array, Axis


class BaseStar(nn.Module):
    """Views, and points as `StarDecoder` takes them -> what both say."""

    encoder: StarEncoderConfig
    decoder: StarDecoderConfig

    def setup(self) -> None:
        """Two parts."""
        self.encode_star = StarEncoder(self.encoder)
        self.decode_points = StarDecoder(self.decoder)

    def encode(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """The encoder alone."""
        return self.encode_star(batch, deterministic, axis)

    def decode(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """The decoder alone, of an embedding that is there."""
        return self.decode_points(batch, deterministic, axis)

    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Both."""
        found = self.encode(batch, deterministic, axis)
        return {**found, **self.decode({**batch, "embedding": found["embedding"]}, deterministic, axis)}
