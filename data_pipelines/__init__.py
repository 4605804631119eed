"""Readers, writers and simulators: survey files in, verified shards and numpy batches out."""
