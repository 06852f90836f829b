"""One linear tree of migrations, applied at start under an advisory lock."""
