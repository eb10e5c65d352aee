"""From video files to video files: the checks before, one file after another, a report for each."""
