"""A command for each figure in the documents, such as `python -m benchmarks.training.accuracy`."""
