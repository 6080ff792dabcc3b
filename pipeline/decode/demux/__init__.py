"""Containers: opening, packet tables, bitstream headers."""
