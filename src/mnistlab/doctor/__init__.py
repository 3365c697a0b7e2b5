"""Checks of this machine, of runs, and of any network in PyTorch."""
