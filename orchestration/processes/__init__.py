"""Processes under supervision: started, watched, restarted, ended."""
