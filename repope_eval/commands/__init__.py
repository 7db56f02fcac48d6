"""The commands, one file each: settings in, one call of the work, text out."""
