"""The bakery under chaos: everything around it fails at random, and a judge reads all the logs."""
