"""What errors, problems, checks and the log say (en.toml, fr.toml), and how an entry and its values become a sentence."""
