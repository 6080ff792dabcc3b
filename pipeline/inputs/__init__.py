"""Which videos: folders, manifests, file identity."""
