"""What hides the scene: where it is, of which kind, and for how long."""
