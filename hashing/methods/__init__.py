"""What CHAIN is compared with."""
