"""The stages of a commit; `stage_list.py` has their order."""
