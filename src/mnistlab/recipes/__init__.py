"""What to train and how. This package does not import torch."""
