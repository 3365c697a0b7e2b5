"""A run as one file for other programs."""
