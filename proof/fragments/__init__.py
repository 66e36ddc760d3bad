"""What the pages show of the ledger, as Markdown for them to include.

In come the project and its ledger; out go `.proof/fragments` and the texts that may
stand in code blocks. Read `rule_fragments` with `remarks`, `proofs` and `draw`, then
`project_fragments`.
"""
