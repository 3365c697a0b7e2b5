"""The site of the project: the days with their outputs, how-to pages and the reference, in two languages, made by Sphinx."""
