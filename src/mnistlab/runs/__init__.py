"""Run folders: the only channel out of training; imports no torch."""
