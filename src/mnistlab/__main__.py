"""`python -m mnistlab` is `mnistlab`."""

from mnistlab.cli.app import main

if __name__ == "__main__":
    main()
