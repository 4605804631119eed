"""Shards of any kind of records."""
