"""Duplicates of a library: pairs with reasons, groups, which to keep, decisions, files."""
