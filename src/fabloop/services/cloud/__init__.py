"""The local cloud: who is there, what it offers, who may use it, and who is bound to whom."""
