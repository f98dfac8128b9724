"""Purser, written a second time from `spec/` alone.

The modules follow the chapters: `cbor` and `schema` are chapter 4, `envelope`, `keys`, `der` and `certificates`
chapter 5, `papers` the CDDL with the conflicts of each chapter, `rules` chapter 7, `decide` chapter 9, `receipt`
and `merkle` chapter 10, `issuer`, `commands`, `agent`, `merchant` and `wallet` chapter 11, `http` chapter 14.
"""

VERSION = "0.1.0"
