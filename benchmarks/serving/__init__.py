"""How fast the server and its page are, also under load."""
