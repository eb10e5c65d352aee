"""From video files to video files: the checks before, one file after another, the report beside each."""
