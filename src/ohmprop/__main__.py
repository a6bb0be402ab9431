"""Run the command line with ``python -m ohmprop``."""

from ohmprop.cli import main

if __name__ == "__main__":
    main()
