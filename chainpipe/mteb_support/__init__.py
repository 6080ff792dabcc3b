"""Evaluation by the package ``mteb``: our models, and tasks made of feature stores."""
