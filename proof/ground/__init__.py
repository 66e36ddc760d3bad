"""What all rooms stand on: whole files, one run at a time, digests.

In come paths and texts; out go files that are never half written, and digests.
Read `files`, then `digests`, then `alone`.
"""
