# %% [markdown]
# # From a model and its traffic to a chip
# Run it as a script, or cell by cell in any editor that knows `# %%`.

# %%
import sartor

STUDY = "edge-smollm2"
POINTS = 200_000  # enough to see the shape; the study itself asks for millions

# %% [markdown]
# ## What the model asks for
# Decode reads every weight for each token: bytes a second set the pace, not operations.

# %%
asked = sartor.read("smollm2-135m-q4_1", context=1024)
decode = asked["phases"]["decode"]
read_bytes = decode["weight_bytes_read"] + decode["cache_bytes_read"]
print(f"{asked['parameters'] / 1e6:.0f} M parameters in {asked['weight_bytes'] / 1e6:.0f} MB")
print(f"a token: {decode['macs'] / 1e6:.0f} M MACs, {read_bytes / 1e6:.0f} MB read")
print(f"{2 * decode['macs'] / read_bytes:.1f} ops a byte: every chip is bound by its memory here")

# %% [markdown]
# ## The front: designs that no other beats in dollars, joules and latency

# %%
run = sartor.explore(STUDY, points=POINTS)
front = run.rows()
print(f"more than {POINTS:,} designs priced: {run.found.evaluations > POINTS}")
print(f"the cheapest is also the fastest: {front[0]['latency_s'] == min(row['latency_s'] for row in front)}")

# %% [markdown]
# ## The chosen one: the least energy within 1 % of the cheapest

# %%
pick = run.row(run.pick)
chip = run.chip(run.pick, STUDY)
print(f"family {chip.family}, weights in {chip.tile.weights}, cache in {chip.tile.kv}")
print(f"within 2 W: {pick['power_w'] <= 2}, TPOT within 20 ms: {pick['tpot_s'] <= 0.020}")

# %% [markdown]
# ## What it costs to make half a million, with the range of all assumptions

# %%
bill = sartor.cost(chip, volume=500_000, device=True)["figures"]
assert bill["unit_usd"]["low"] <= bill["unit_usd"]["nominal"] <= bill["unit_usd"]["high"]
print(f"within 25 USD before design and masks: {bill['unit_usd']['nominal'] <= 25}")
