"""The core, cycle by cycle: its Verilog built by Verilator, beside a model of the memory it sees."""
