"""What the systems share that learn from a labelled source and a target with few labels."""
