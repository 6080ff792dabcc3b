"""What is recorded of a run: history, logs, code metrics, failure signatures."""
