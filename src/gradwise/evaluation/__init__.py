"""How good a model is: test scores with their uncertainty, and the dumb baselines they are compared with.

May import whatever stands above `evaluation` in the list of packages; so far it needs NumPy only.
"""
