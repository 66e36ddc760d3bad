"""What the tools, the tests and older Pythons say of the sources.

In comes a project; out go verdicts for the ledger, and a fault for each deviation.
Read `run`; then `tools` and `expected` for the checkers, `units`, `execute` and
`executed` for the tests, `interpreters` and `older` for older Pythons; `stages` calls
them, `proven` sums up.
"""
