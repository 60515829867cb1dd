"""The overview as it goes to those who look: encoded once for all of them, by request or as a stream of changes."""
