"""What the server says, one file per language, entries sorted by code: see `mecum.kit.i18n` and `scripts/locales.py`."""
