"""The deflate implementation that all readers of alerts use.

Inflating is most of the time it takes to decode a ZTF alert. `isal` has zlib's interface and needs two thirds of its time;
without it the standard library does the same.
"""

try:
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

__all__ = ["zlib"]
