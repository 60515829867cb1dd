"""Keeping a pod's container as an image: its name, the Job that makes it, and how far that is."""
