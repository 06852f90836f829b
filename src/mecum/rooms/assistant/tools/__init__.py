"""The entity's own tools: dates, sums, reading a page, asking the person, doing things later."""
