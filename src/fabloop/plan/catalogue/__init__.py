"""Who can make what: registered products, surveys of sites, variants of families."""
