"""Filled-in pages generated from MNIST's digits: the training data of the finder and the line reader."""
