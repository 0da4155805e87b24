"""Files by drivers: what daily files and exports share, and the process that writes daily files."""
