"""Tests of the language-model sandbox."""
