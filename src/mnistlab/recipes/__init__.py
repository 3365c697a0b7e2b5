"""What to train and how. This package imports no torch."""
