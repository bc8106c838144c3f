"""Measure a real GPU: a file of rows that `sartor validate gpu` reads and `sartor fit gpu` uses."""
