"""One room per kind of data."""
