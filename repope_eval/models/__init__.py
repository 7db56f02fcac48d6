"""Model families: prompts, pixels and tokens, and loading checkpoints into native classes. Nothing is asked here."""
