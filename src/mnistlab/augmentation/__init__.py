"""Random changes to training images: geometry, pens, other people's handwriting, clutter, and pictures that are not digits."""
