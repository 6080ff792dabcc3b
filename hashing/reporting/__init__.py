"""Drawing only: tables for the terminal, pictures for the eye; nothing here computes a result."""
