"""The exercises, one module per day: the questions, the right answers, and the answers that misunderstandings would lead to."""
