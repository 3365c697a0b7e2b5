"""The course: seven days, each a source in cells in two languages, with exercises that the code checks."""
