"""Multi-class Deep SVDD."""
