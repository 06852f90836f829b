"""`/api` routes of the room."""
