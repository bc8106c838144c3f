"""A small generated chip as a user writes it."""

TENSOR = """
name = "edge"
family = "tensor"
node = "N7"
clock = "800 MHz"
tdp = "2 W"

[tile]
rows = 32
lanes = 16
columns = 4
vector_lanes = 8
weights = "int4-g128"
scratchpad = "256 KiB"

[memory]
kind = "lpddr5x"
units = 2
capacity = "8 GB"
bandwidth = "34.14 GB/s"
"""
