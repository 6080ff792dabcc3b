"""What ``import chainpipe`` offers; import the names from there."""
