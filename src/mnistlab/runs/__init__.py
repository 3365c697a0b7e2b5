"""Run folders, the only output of training; imports no torch."""
