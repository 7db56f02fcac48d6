"""Many runs together: found, read, ranked, and shown as a page, tables and a document. No run is made here."""
