"""`python -m mnistlab` is `mnistlab`."""

from mnistlab.cli import main

if __name__ == "__main__":
    main()
