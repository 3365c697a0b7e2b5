"""From pictures to digits. Nothing in this package imports torch."""
