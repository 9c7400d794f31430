"""Plans within wishes and trade-offs between objectives, with what is proven of them."""
