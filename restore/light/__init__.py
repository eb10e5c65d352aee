"""Giving dark scenes the light that they lack, before anything else is done to them."""
