"""Many runs together: finding and reading their folders, choosing what can be compared, the leaderboard."""
