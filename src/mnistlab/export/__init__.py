"""Export a run's model as one file for other programs."""
