"""A page in the browser: see what was found in a video, correct it, and restore it (`python -m restore page`)."""
