"""The training tasks: each file holds one task's data step, head and loss."""
