"""What is asked of a plan: objectives, wishes, and the sums that both come down to."""
