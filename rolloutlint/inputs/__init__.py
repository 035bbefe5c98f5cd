"""What a run reads: discovery of files, safe reading, and what kustomize makes of them.

Besides the writers of reports, the only package that touches the file system.
"""
