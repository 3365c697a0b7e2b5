"""From a picture of a form or a table to its fields and cells; imports no torch."""
