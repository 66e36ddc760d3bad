"""The pages as a site: built, checked, served, measured.

In come pages and fragments; out comes a folder of files in which every block is proven
and every published address holds. Read `build`, `provenance`, `addresses`.
"""
