"""Making clean clips bad in known ways, in batches, on the device that trains: the pairs that all models learn from."""
