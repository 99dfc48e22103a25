"""The ComfyUI nodes: thin, one file a topic; all maths is in ``sat3d``, all talk to the host in ``host``."""
