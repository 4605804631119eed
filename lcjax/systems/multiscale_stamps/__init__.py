"""Multi-scale stamps."""
