"""A command for each figure that a document states: python -m benchmarks.training.accuracy, and likewise."""
