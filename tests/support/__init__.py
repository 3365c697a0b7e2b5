"""What the tests of several packages use: drawn pages, strokes, servers, comparisons."""
