"""Bytes become fields: documents to pages, pages to words, words to fields.

Pure: no Prefect, no network, no settings.
"""
