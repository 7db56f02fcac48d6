"""Model families: prompts, pixels and tokens, and loading original checkpoints into native classes."""
