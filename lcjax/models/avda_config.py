"""Settings of the network of AVDA. Nothing here imports jax."""

from dataclasses import dataclass

from lcjax.schema import Count, Settings


@dataclass(frozen=True)
class AvdaConfig(Settings):
    """Latents, decoders, discriminator."""

    dimensions: Count = 20
    decoder: tuple[int, ...] = (256, 256)
    """Dense layers of each decoder before the pixels."""
    discriminator: tuple[int, ...] = (64, 64)
