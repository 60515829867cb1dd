"""What the exporters measured, read from Prometheus in a process of its own.

    devices               rows of devices while answers come in, and the labels that tell their node (pure)
    dcgm, hami, amd, npu  one exporter each: its metrics, its labels, its traps (pure)
    idle                  since when a device has done nothing
    rounds                one round of questions, and what of it is new
    frames                what the two processes say to each other
    reader                the child process
    child                 the parent's side of it: starting, bounding, ending
    locate                from a series' labels to the node (in the parent, which knows nodes and pods)
    join                  one card that several exporters speak of (pure)

Why a process: 40,000 devices are some 320,000 series, and decoding them holds the interpreter for seconds. A thread
would stop the server's answers for as long.
"""
