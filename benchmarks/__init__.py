"""The numbers in the README: `python -m benchmarks [name]`. One runnable file a question, one harness."""
