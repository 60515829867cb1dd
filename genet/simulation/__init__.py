"""The embedded cluster: a Kubernetes API over HTTP on loopback, for `genet demo` and the tests.

It is met at the wire only: demo and tests give the ordinary client a kubeconfig, and the same contract tests run on a
real API server, which is right where the two differ. It imports nothing of the rest of genet, so that a misspelt field
cannot pass on both sides. It keeps everything in memory, knows no users and trusts whoever reaches its loopback port.
"""
