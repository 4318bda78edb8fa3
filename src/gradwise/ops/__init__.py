"""Pure functions, arrays in and arrays out: every formula of the library, written once.

May import `errors`, `config` and `registry` only. An op has no class, no hidden state and no `training`
flag; layers, losses, metrics and diagnoses call the same op.
"""
