"""Hardware components that any family uses, and the way from them to RTLIL and Verilog."""
