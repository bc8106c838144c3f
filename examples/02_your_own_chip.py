# %% [markdown]
# # A chip of one's own, in Python
# Build it, ask for a step, its price, and how it stands beside chips one could buy.

# %%
from dataclasses import replace

from sartor import api
from sartor.chip.spec import Chip, Memory, Tile

MODEL = "llama-3.1-8b"

# %% [markdown]
# ## The spec
# The sizing law of decode: rows x lanes x bits of a weight x clock, over all cores, is the memory's rate and
# some room; columns are for prefill, in which so many tokens share a pass over the weights.

# %%
tile = Tile(rows=8, lanes=32, columns=16, vector_lanes=32, weights="int4-g128", scratchpad_bytes=2**20)
memory = Memory("lpddr5x", units=8, capacity_bytes=16e9, bandwidth_bytes_per_s=136.6e9)
chip = Chip("my-chip", "tensor", "N7", clock_hz=1e9, cores=4, tile=tile, memory=memory)
eaten = tile.rows * tile.lanes * 4.25 / 8 * chip.cores * chip.clock_hz
ratio = eaten / memory.bandwidth_bytes_per_s
print(f"weights the tiles could eat over weights the memory brings: {ratio:.0f}")

# %% [markdown]
# ## One step: bound by memory, prefill too: weights stream again for every 16 tokens

# %%
for phase in ("decode", "prefill"):
    step = api.estimate(chip, MODEL, phase, context=1024)
    print(f"{phase}: bound by {step['bound']}")

# %% [markdown]
# ## Half the cores: hardly slower, for the memory is the same

# %%
small = replace(chip, name="half", cores=2)
for phase in ("decode", "prefill"):
    slower = api.estimate(small, MODEL, phase, context=1024)["latency_s"]
    print(f"{phase}: {slower / api.estimate(chip, MODEL, phase, context=1024)['latency_s']:.1f} times")

# %% [markdown]
# ## Its price, and its place: one request at a time, at cost

# %%
bill = api.cost(chip, volume=1_000_000)["figures"]
print(f"memory is most of the bill: {bill['memory_usd']['nominal'] > bill['unit_usd']['nominal'] / 2}")
rows = api.compare([chip, "l4", "h100-sxm"], MODEL, "chat", ttft_s=30, tpot_s=0.1, batch=1)
print(f"least energy a token: {min(rows, key=lambda row: row['j_per_token'])['name']}")
for row in rows:
    print(f"{row['name']}: weights in {row['weights']}, keeps the SLO: {row['feasible']}")
