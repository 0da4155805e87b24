"""Files written by drivers: the parts shared by daily files and exports, and the process that
writes daily files.
"""
