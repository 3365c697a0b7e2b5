"""Serve the page and the API over HTTP, or write the page as files for another web server."""
