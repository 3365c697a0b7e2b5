"""Random changes of training images: geometry, pens, other hands, and pictures that are not digits."""
