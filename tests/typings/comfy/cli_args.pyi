class _Args:
    disable_metadata: bool

args: _Args
