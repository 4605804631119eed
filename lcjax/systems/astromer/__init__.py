"""Astromer 1 and 2."""
