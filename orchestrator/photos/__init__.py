"""A user's own photographs with all that their files hold, read and written in strips of rows."""
