"""Files of other programs: what they are, which command reads them, and their arrays by name."""
