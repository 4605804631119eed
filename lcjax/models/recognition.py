"""What an embedding is asked in training, where the truth is simulated: the class of the star and its period."""

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.typing import Array


class Recognition(nn.Module):
    """Embedding (B, width) -> `class_logits` (B, classes), of one linear layer as few labels have, and `log_period` (B,), log10 of days."""

    classes: int
    hidden: int = 64

    @nn.compact
    def __call__(self, embedding: Array) -> dict[str, Array]:
        """Two answers."""
        chex.assert_rank(embedding, 2)
        embedding = embedding.astype(jnp.float32)
        period = nn.Dense(1, name="period_out")(nn.gelu(nn.Dense(self.hidden, name="period_in")(embedding)))
        return {"class_logits": nn.Dense(self.classes, name="classes")(embedding), "log_period": period[:, 0]}
