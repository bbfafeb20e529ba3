"""Both ports over the sandbox's models: the same service without sockets, without waiting, and with faults at will."""
