"""The benchmarks behind `genviewer bench`."""
