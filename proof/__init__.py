"""The machinery of Proven Python, in rooms that lie in the order of the data.

`sources` reads what is written; the `ledger` records what is proven of it; `verdicts`
runs the tools and the tests; `fragments` writes what is proven for the pages; `site`
builds and checks them; `exports` adds what programs read. Each room imports only those
before it, and `ground`, on which all stand. `testing` is what the tests of rules use:
no other room imports it. `order` says which stage follows which.
"""
