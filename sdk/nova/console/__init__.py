"""What commands of every package print: results, warnings, progress."""
