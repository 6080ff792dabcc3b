"""Checksums, validation, verification and repair of a store."""
