"""How well handwriting is read, and how fast."""
