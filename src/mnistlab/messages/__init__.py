"""What each error says (en.toml), and how its sentence is made of an entry and its values."""
