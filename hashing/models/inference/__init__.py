"""The trained network in numpy: encoding needs no torch."""
