"""The page and the API, served over HTTP, and the page as files."""
