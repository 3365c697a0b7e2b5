"""The tests of mnistlab, arranged like the code that they test."""
