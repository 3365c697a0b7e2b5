"""Accuracy, and the speed of training."""
