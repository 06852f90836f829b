"""Price lists: what models cost from when on, stated one by one or by file."""
