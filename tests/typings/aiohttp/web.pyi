from collections.abc import Awaitable, Callable, Mapping

Handler = Callable[[Request], Awaitable[Response]]

class StreamReader:
    async def read(self, n: int = -1) -> bytes: ...

class Request:
    content: StreamReader
    match_info: Mapping[str, str]

class Response:
    def __init__(
        self,
        *,
        status: int = 200,
        body: bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None: ...

class RouteTableDef:
    def post(self, path: str) -> Callable[[Handler], Handler]: ...
    def get(self, path: str) -> Callable[[Handler], Handler]: ...
