"""The exercises of each day, a module a day: what is asked, what is right, and what each misunderstanding would give."""
