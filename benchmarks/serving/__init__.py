"""The server and its page: how fast, and under load."""
