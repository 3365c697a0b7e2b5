"""Pictures of any kind as 8-bit arrays, for reading handwriting and for datasets made of folders of pictures."""
