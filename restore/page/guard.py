"""Who may talk to the page: a browser on this machine that has its token, from the page itself and no other site.

A web site that is open in the same browser can send requests to 127.0.0.1 too. It does not know the token, its requests
come without the cookie (SameSite=Strict) and with an Origin of its own, and a name that it lets point at 127.0.0.1 is
no Host of ours.
"""

import secrets
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Scripts, styles, pictures and requests of the page itself, and of no other place.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
# The report is a file with its own style in it, and no script.
REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def new_token() -> str:
    """256 random bits, as they may stand in an address."""
    return secrets.token_urlsafe(32)


class Guard:
    """ASGI middleware: refuses with 403 what is not of the page, and sets the cookie that stands for the token.

    Args:
        token: that of the address.
        port: on which the page is served.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"restore_page_{port}"  # cookies of one host are shared by all of its ports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        in_address = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if refusal := self._refusal(Headers(scope=scope), in_address):
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("Cache-Control", "no-store")
                if in_address:
                    cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    headers.append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, sent)

    def _refusal(self, headers: Headers, in_address: str) -> str | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return "the page answers to 127.0.0.1 alone"
        if headers.get("origin") not in (None, *(f"http://{name}" for name in self._hosts)):
            return "the request comes from another site"
        if headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
            return "the request comes from another site"
        given = in_address or cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        # As bytes: of other text than ASCII nothing can be compared.
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return "open the address that `python -m restore page` printed: it has the token in it"
        return None
