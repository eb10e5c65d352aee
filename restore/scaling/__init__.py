"""Enlarging restored frames with what their neighbours saw between the pixels."""
