"""SAT3D for ComfyUI. Importing this imports nothing else: the nodes load when the host asks for them."""

WEB_DIRECTORY = "./nodes/web"


async def comfy_entrypoint():
    """What the host calls to get the pack's nodes."""
    from .nodes.extension import Sat3dExtension

    return Sat3dExtension()
