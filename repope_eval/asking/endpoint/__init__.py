"""Models behind servers that speak `/v1/chat/completions`: what is sent, what comes back, and how fast it is asked."""
