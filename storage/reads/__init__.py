"""Reads for adapters, sweeps and pages, on the asynchronous engine."""
