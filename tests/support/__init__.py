"""What several rooms' tests use: drawn pages, strokes, servers, comparisons."""
