"""The comparison itself needs PyTorch: scripts/oracle runs it; tests replay what it froze."""

collect_ignore = ["opinfo.py"]
