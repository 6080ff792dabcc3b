"""``python -m chainpipe``."""

from chainpipe.command import main

if __name__ == "__main__":
    main()
