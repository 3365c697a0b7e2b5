"""Run folders, the only output of training. This package imports no torch."""
