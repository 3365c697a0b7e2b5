"""Pictures of any kind as 8-bit arrays, for reading handwriting and for folders of pictures."""
