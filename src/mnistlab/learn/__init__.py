"""The course: seven days, each written as cells in two languages, with exercises that mnistlab checks."""
