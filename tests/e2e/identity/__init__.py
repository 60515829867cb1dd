"""Login, the OpenID Provider and kubeconfigs on a real API server: two replicas behind one issuer, real programs of
others at both ends."""
