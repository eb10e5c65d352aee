"""Finding what hides the scene, and copying what other frames saw behind it."""
