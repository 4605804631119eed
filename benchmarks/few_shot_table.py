"""How the few-shot benchmark writes a score."""

from typing import Any


def shown(score: dict[str, Any] | None) -> str:
    """With its interval; several, by class, without.

    >>> shown({"value": 0.5, "low": 0.4, "high": 0.6}), shown({"EC": {"value": 0.88}}), shown(None)
    ('0.500 [0.400, 0.600]', 'EC 0.88', '-')
    """
    if score is None:
        return "-"
    if "value" not in score:
        return " ".join(f"{name} {one['value']:.2f}" for name, one in score.items())
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
