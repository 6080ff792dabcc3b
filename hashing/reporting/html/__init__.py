"""A report of trained models as one HTML file that needs nothing else."""
