"""The one door to GitHub: nothing outside this package speaks to it, and only `transport` knows gidgethub."""
