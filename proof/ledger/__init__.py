"""The record of what was proven, by what, on which bytes.

In come verdicts; out comes one file, `.proof/ledger.json`, that is always whole. Read
`records` for its form, then `store`.
"""
