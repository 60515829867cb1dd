"""The gateway to Kubernetes: the only package that imports its client.

`objects` and `quantity` are pure and cheap to import; `config`, `transport` and `client` pay for the Kubernetes client
(about 0.6 s), so the command line imports them only when it is going to call.
"""
