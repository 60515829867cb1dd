"""Genet: a self-service GPU platform on Kubernetes."""

__version__ = "0.1.0"
