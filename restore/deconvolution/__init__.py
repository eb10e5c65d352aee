"""Blurred frames, sharpened as far as it follows from how they are blurred."""
