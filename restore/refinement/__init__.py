"""Regenerates what no frame saw: which regions, with which model, and how the result is put back into the frames."""
