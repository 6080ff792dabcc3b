"""``python -m chainpipe`` is the command ``chainpipe``."""

from chainpipe_video import main

if __name__ == "__main__":
    main()
