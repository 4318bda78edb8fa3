"""The heart: variables, the frame of a pure call, layers, symbolic graphs and shape inference.

May import errors, config, registry, ops, initializers, regularizers and constraints.
"""
