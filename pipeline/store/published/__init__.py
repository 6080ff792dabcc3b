"""Published feature files of the benchmarks as read-only stores."""
