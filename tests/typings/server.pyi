from typing import Any

class PromptServer:
    instance: PromptServer
    client_id: str | None
    def send_sync(self, event: str, data: Any, sid: str | None = None) -> None: ...
