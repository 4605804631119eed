"""DELIGHT."""
