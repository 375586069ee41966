"""Statistics over answers: who is right, how sure that is, and whom to trust. Pure functions over arrays.

Nothing is imported here: the rooms need `distance` in the web process, which has no use for numpy and scipy.
"""
