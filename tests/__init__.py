"""The tests of mnistlab, in the rooms of the code that they test."""
