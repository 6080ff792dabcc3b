"""Seeds, determinism, distributed processes, schedules, units."""
