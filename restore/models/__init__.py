"""Networks. They take plain keyword arguments and know nothing of configs, files or the rest of the package."""
