"""Commands of ``fabloop process`` on a store: deploy, run, look after."""
