"""The two engines of transformers' models, and the loop over the questions."""
