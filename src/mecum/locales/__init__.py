"""What the server says: a file per language, entries sorted by code. See `mecum.kit.i18n`, `scripts/locales.py`."""
