"""Any image-text-to-text checkpoint of transformers is asked here, by its own processor and chat template."""
