"""The Yosys scripts of the flow."""

from __future__ import annotations

# To gates, but for full adders and (named separately) adders of many bits. Memories of fewer words than a macro has
# and those that are read without a clock become registers.
MACRO_WORDS = 16
COARSE = """
read_rtlil in.il
hierarchy -check -top {top}
setattr -mod -unset top *
hierarchy -top {top}
proc -norom
{flatten}
opt -full
wreduce
peepopt
opt_clean
alumacc
maccmap
opt
memory -nomap
memory_map t:$mem_v2 r:SIZE<{macro} %i t:$mem_v2 r:RD_CLK_ENABLE<1 %i %u
opt_clean
techmap t:$fa t:$alu t:$mem* %u %u %n
opt -full
write_json coarse.json
"""

# What is left to gates, enabled registers to clock gates where the library has them, registers to the
# library's, gates to its cells.
MAP = """
read_liberty -lib -ignore_miss_func cells.lib
read_json coarse.json
hierarchy -check -top {top}
techmap {prefix}
opt -nodffe -nosdff
setattr -unset init
clockgate -liberty cells.lib -min_net_size {gated}
dfflibmap {flops} -liberty cells.lib
opt
abc -liberty cells.lib -constr cells.constr {abc}
opt_clean -purge
write_json mapped.json
"""

# Parallel-prefix adders: Yosys' own (Brent-Kung), or Sklansky's of less depth and more fan-out.
BRENT_KUNG = ""
SKLANSKY = "-map +/techmap.v -map +/choices/sklansky.v"

# ABC for area: its usual script, with a delay that never binds. For speed: choices, delay-optimal mapping,
# buffers, sizes. A 40-bit accumulator on ASAP7: 46 um2 at 913 ps the one way, 48 um2 at 447 ps the other.
ABC_AREA = "-D 1000000"
ABC_SPEED = "-D {delay_ps} -script +&get,-n;&st;&dch;&nf;&put;buffer,-c;topo;upsize,-D,{delay_ps};dnsize,-D,{delay_ps}"

# Gates without a library, hierarchy kept; memories stay whole.
GENERIC = """
read_rtlil in.il
hierarchy -check -top {top}
setattr -mod -unset top *
hierarchy -top {top}
proc -norom
opt -full
wreduce
peepopt
alumacc
maccmap
opt
memory -nomap
opt_clean
techmap t:$mem* %n
opt -fast
simplemap
abc -g AND,NAND,OR,NOR,XOR,XNOR,MUX,AOI3,OAI3
opt_clean
write_json generic.json
"""
