"""What the systems share that learn by predicting hidden points of light curves."""
