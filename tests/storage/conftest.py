from tests.replicas import cluster, kubeconfig, replica

__all__ = ["cluster", "kubeconfig", "replica"]
