"""Suites that judge what was trained, one module each; see training/evaluate.py."""
