"""A storm of operations on replicas that are killed, and what must be true of the cluster during and after it."""
