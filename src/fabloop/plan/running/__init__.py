"""Plans that are being carried out: what endangers them, and how they change."""
