"""Training: the state, the one pure step, compiled programs, the loop and callbacks.

Knows `Layer`, never `Model`. May import core, data, losses, metrics, optimizers and what stands above them.
"""
