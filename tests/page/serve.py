"""A folder with small videos, and the page of it, for the tests."""
