"""Readers of model files: each makes a `Model`, or an error that names the file, the field and the limit."""
