"""The GPU overview: every card of the cluster, who holds it, how busy it is.

    facts, dynamic  what the caches know of one node, and which nodes an event is about
    telemetry/      what the exporters measured, read from Prometheus in a process of its own
    model           how all of that is said
    sources/        what one source makes of it: which cards there are, who holds them; one file each
    merge/          one node: its devices, weighed and merged from all sources (pure)
    overview        the shape of the overview, and what each audience may see of it (pure)
    wire/           all nodes, encoded once for everybody who looks or listens
    usage/          who holds and held how much, and how busy it was
    service         the caches and Prometheus in, representations out

The API server is the truth for allocation; exporters only add identity and use. What nobody knows stays unknown: a
missing series is not a free card, and a count of holders is not a list of them.
"""
