"""Reading handwriting: how much is right, and how fast."""
