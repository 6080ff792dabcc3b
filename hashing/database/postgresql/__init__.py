"""Codes in PostgreSQL, in pgvector's ``bit(K)``."""
