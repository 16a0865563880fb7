"""`python -m nextclose`: the command line."""

from nextclose.cli import main

if __name__ == "__main__":
    main()
