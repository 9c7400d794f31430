"""The embedded local cloud: its host, its folder, its servers."""
