from typing import Any

from aiohttp import web

class PromptQueue:
    currently_running: dict[int, Any]

class PromptServer:
    instance: PromptServer
    client_id: str | None
    routes: web.RouteTableDef
    prompt_queue: PromptQueue
    def send_sync(self, event: str, data: Any, sid: str | None = None) -> None: ...
