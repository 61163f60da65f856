"""`python -m edgelens` is the command line."""

from edgelens.cli import main

if __name__ == "__main__":
    main()
