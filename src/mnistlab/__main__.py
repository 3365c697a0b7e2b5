"""`python -m mnistlab` does the same as the command `mnistlab`."""

from mnistlab.cli.app import main

if __name__ == "__main__":
    main()
