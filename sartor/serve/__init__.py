"""A chip in service: requests arrive, wait, are batched and answered, simulated step by step."""
