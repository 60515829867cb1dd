"""The GPU overview: every card of the cluster, who holds it, how busy it is.

    sources/     what one source says about who holds what, one file each
    telemetry/   what the exporters measured, read from Prometheus in a process of its own
    feed         the latest of that by node, and how good it is
    inventory    one node: its devices, merged from all that is known of it (pure), in steps:
    devices      which cards there are, by the names that sources share
    pools        what the API server counts, and which devices by what
    demand       what pods ask for
    attribution  who holds what, the sources' words weighed
    health       what state a device is in, and why
    kinds, slots which group shows a card, and how
    unreadable   a node that the merge stumbles over
    overview     the wire forms, and what each audience may see of them (pure)
    fleet        all nodes: sums and encoded pieces, kept up node by node
    service      the caches and Prometheus in, representations out

The API server is the truth for allocation; exporters only add identity and use. What nobody knows stays unknown: a
missing series is not a free card, and a count of holders is not a list of them.
"""
