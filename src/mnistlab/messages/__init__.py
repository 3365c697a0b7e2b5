"""What errors, problems, checks and the log say (en.toml), and how a sentence is made of an entry and its values."""
