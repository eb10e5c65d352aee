"""Training: data, losses, one straight-line loop per model, checkpoints."""
