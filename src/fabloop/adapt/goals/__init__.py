"""Goals: watched on the history of processes, in danger before they are missed, with reasons."""
