"""Devices, mappings and queues that tests of DRAM take."""

from hypothesis import strategies as st

from sartor.tech.dram_access import MAPPINGS
from sartor.tech.dram_timings import device, devices

LPDDR5, HBM3, DDR5 = device("lpddr5-6400"), device("hbm3-6400"), device("ddr5-6400")
DEVICES, MAPPED = st.sampled_from(sorted(devices())), st.sampled_from(MAPPINGS)
QUEUES = st.sampled_from((8, 16, 32, 64, 128))
