"""What the tests of rules use: recorders, clocks, servers.

In comes a running test; out goes a report of what it showed. No other room imports
this one, and it runs on older Pythons as well. Read `basics`, `record`, `clock`, then
`servers`; `plugin` writes the report.
"""
