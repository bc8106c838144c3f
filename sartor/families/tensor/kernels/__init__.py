"""The golden model's inner loops as machine code: numba compiles them where they are first run.

They say again, number by number, what float32.py, functions.py and numerics.py say of arrays, which define it
(docs/numerics.md); tests hold the two against each other, bit by bit. No step may be fused or reordered: numba is
told nothing that would let it (`fastmath` stays off).
"""
