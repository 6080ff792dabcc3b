"""chainpipe: self-supervised video hashing, from videos to binary codes to answers."""

from chainpipe.distribution import DISTRIBUTION

__all__ = ["DISTRIBUTION"]
