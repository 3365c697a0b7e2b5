"""Run folders, the only output of training. This package does not import torch."""
