"""Stage one: videos to frame features on disk."""
