"""Fields of transients."""
