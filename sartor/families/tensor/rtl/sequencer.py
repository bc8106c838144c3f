"""The sequencer: program memory, registers, loops; it resolves instructions and issues them one by one."""

PROGRAM_WORDS = 512  # instructions of the program memory; the host's address map ends at 4,096
