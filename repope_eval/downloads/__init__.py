"""Files from servers, over HTTP and from the Hugging Face Hub. What the files hold is not known here."""
