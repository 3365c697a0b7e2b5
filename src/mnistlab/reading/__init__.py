"""From pictures to digits; imports no torch."""
