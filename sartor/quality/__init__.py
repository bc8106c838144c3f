"""What number formats cost a model in accuracy, measured on its real weights."""
