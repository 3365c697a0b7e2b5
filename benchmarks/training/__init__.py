"""The accuracy and the speed of training."""
