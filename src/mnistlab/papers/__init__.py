"""Filled-in pages generated from MNIST's digits: the training data of the network that finds digits."""
