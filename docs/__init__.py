"""The documents, and in `site` what makes the site of them."""
