"""Random changes to training images: geometry, pens, other people's handwriting, and pictures that are not digits."""
