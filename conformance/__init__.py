"""Tells whether a service keeps its contract, and whether agents will work with it.

`python -m conformance --service llm --target host:port` is for whoever writes a service of the suite anew, in any
language. What is asked stands in `cases`, and what follows from the contract alone in `checks`.
"""
