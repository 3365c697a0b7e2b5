"""The documents' tables and pictures, made from the raw lines in docs/results."""
