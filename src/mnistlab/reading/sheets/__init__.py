"""From a picture of a form or a table to its fields or cells, without importing torch."""
