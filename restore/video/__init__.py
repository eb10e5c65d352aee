"""Reading and writing video, and walking over it in windows. PyAV is imported nowhere else in the package."""
