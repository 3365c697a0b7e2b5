"""Pictures of any kind as arrays of 8 bits: what reads handwriting needs them, and so do folders of pictures."""
