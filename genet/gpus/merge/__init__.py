"""One node of the overview, merged from everything that is known of it, by steps that are pure and a file each.

    inventory     the whole, from facts to devices by kind
    devices       which cards there are, by the names that sources share
    pools         what the API server counts, and which devices by what
    demand        what pods ask for
    attribution   who holds what, the sources' words weighed
    health        what state a device is in, and why
    kinds, slots  which group shows a card, and how
    unreadable    a node that the merge stumbles over

No step knows a source: those are `genet.gpus.sources`.
"""
