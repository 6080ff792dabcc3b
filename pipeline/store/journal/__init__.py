"""The journal of a store that is being written."""
