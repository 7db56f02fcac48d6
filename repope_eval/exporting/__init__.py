"""Finished runs in the forms that other programs and people read, one file each; nothing is asked or scored here."""
