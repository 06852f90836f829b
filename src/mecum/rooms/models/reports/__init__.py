"""Reports: what somebody used, in figures that a page can show."""
