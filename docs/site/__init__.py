"""The project's site: the days with their outputs, how-to pages and the reference, in two languages, built by Sphinx."""
