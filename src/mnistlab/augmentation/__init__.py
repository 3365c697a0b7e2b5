"""Random changes to training images: geometry, pens, other hands, and pictures that are not digits."""
