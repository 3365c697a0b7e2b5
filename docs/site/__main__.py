"""Build the site: python -m docs.site."""

from docs.site.build import main

main()
