"""From RTL to cells: synthesis, mapping on a liberty file, timing, gate-level replay and energy."""
