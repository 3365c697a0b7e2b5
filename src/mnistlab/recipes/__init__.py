"""What to train and how; imports no torch."""
