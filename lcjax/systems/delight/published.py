"""Published weights of DELIGHT."""

from lcjax.systems.published_weights import Published

PUBLISHED = (
    Published(
        name="delight",
        family="delight",
        description="DELIGHT v1, hosts of transients (2,297,184 parameters)",
        paper="Forster et al. 2022, AJ 164, 195",
        licence="GPL-3.0-or-later",
        urls=(),
        package="astro-delight",
    ),
)
