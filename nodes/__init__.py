"""The ComfyUI nodes: thin, one file per topic; all maths is in ``sat3d``.

``host``, ``model_folders`` and ``output_files`` talk to the host.
"""
