"""chainpipe: self-supervised video hashing, from videos to binary codes to answers."""
