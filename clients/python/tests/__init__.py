"""Tests of the package; `python3 -m unittest discover -s tests -p '*_test.py' -t .` runs them.

They run against what is built, with the real programs where VITRINE_BIN (or ../../build/bin) has
them.
"""
