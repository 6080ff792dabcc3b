"""The limited child process that decodes, and its parent."""
