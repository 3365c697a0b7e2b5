"""Exports a run as one file for other programs."""
