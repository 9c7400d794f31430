"""Where data lives, and how what one source holds fills what another needs."""
