"""The edge's aiohttp application: its components, routes, startup and shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Literal

import aiohttp
from aiohttp import WSCloseCode, web

from nova.edge.access_watch import AccessWatch
from nova.edge.account_requests import AccountRequests
from nova.edge.admin_requests import AdminRequests
from nova.edge.assets import add_assets
from nova.edge.audit_flusher import AuditFlusher
from nova.edge.client_address import ClientAddresses, rate_limit_key
from nova.edge.connections import ConnectionLimiter
from nova.edge.cookie_names import cookie_names
from nova.edge.core_status import CoreMetrics, CoreStatus
from nova.edge.display_requests import DisplayRequests
from nova.edge.edge_config import EdgeConfig
from nova.edge.edge_metrics import EdgeMetrics
from nova.edge.edge_stores import EdgeStores
from nova.edge.export_link_routes import add_export_routes
from nova.edge.export_services import ExportServices
from nova.edge.heartbeat import ReaderHeartbeat
from nova.edge.hosts import HostFilter
from nova.edge.http_admission import HttpAdmission
from nova.edge.http_drain import HttpDrain
from nova.edge.limit_requests import LimitRequests
from nova.edge.login import LOGIN_MAX_BYTES, LoginHandler
from nova.edge.login_throttle import LoginThrottle
from nova.edge.metrics import MetricsHandler
from nova.edge.oidc_login import open_oidc_login
from nova.edge.own_requests import OwnRequests
from nova.edge.passwords import PasswordHashing
from nova.edge.probes import Probes
from nova.edge.read_api.cross_origin import CrossOrigin
from nova.edge.read_api.read_audit import ReadAudit
from nova.edge.read_api.read_routes import ReadRoutes, ReadServices
from nova.edge.replies import (
    NO_STORE,
    add_security_headers,
    error_reply,
    json_errors,
    json_reply,
)
from nova.edge.request_limits import RequestLimits
from nova.edge.same_origin import is_foreign_origin
from nova.edge.session_refresh import SessionRefresh
from nova.edge.session_reply import SessionReplies
from nova.edge.streams_route import StreamsRoute
from nova.edge.submission_policy import SubmissionPolicy
from nova.edge.tcp_stream_service import TcpStreamService
from nova.edge.tokens import TokenSigner, load_key
from nova.edge.unsent import UnsentFrames
from nova.edge.upstream import Upstream
from nova.edge.websocket import EdgeServices, EdgeSession
from nova.sdk.background_task import background_task
from nova.sdk.connection_ends import departures
from nova.sdk.endpoints import exports_folder
from nova.sdk.protocol.messages import REQUEST_MAX_BYTES

log = logging.getLogger(__name__)

FOREIGN_PAGE = "this edge did not serve the page that sent this request (Origin is not Host)"
BODY_TIMEOUT = "the request body did not arrive in time"
TOO_MANY_CONNECTIONS = "this edge has reached its connection limit; try again later"
TOO_MANY_UNSENT = "this edge has reached its limit of unsent bytes; try again later"
RETRY_AFTER = {"Retry-After": "5"}


class Edge:
    """One edge's components and routes. The caller owns and closes the arguments."""

    def __init__(
        self,
        config: EdgeConfig,
        stores: EdgeStores,
        passwords: PasswordHashing,
        throttle: LoginThrottle,
        reader: aiohttp.ClientSession,
    ) -> None:
        self._config, self._limits = config, config.limits
        key = load_key(config.folder)
        tokens = TokenSigner(key, self._limits.token_lifetime_s)
        self._cookies = cookie_names(key)
        self._authorizer = stores.authorizer(tokens, self._limits)
        self._users, self._turn = stores.users, stores.turn
        self._addresses = addresses = ClientAddresses(config.trusted_proxies)
        replies = SessionReplies(
            tokens, self._cookies, addresses, None if config.oidc is None else config.oidc.name
        )
        self._login = self._login_handler(stores, passwords, replies, throttle)
        self._request_limits = RequestLimits(
            stores.limits, self._limits.requests, self._limits.lease_s
        )
        self._refresh = SessionRefresh(stores.users, stores.sessions, replies, self._request_limits)
        self._oidc = open_oidc_login(
            config.oidc, self._limits, stores, replies, addresses, self._request_limits
        )
        self._submission_policy = SubmissionPolicy(self._request_limits)
        self._unsent = UnsentFrames(self._limits.unsent_max_bytes, self._limits.unsent_grace_s)
        self._sessions: ConnectionLimiter[EdgeSession] = ConnectionLimiter(self._limits)
        self._reader, self._http = reader, HttpDrain()
        self._heartbeat = ReaderHeartbeat(reader, self._limits, self._drop_reader)
        status = CoreStatus(reader, self._limits)
        self._tcp_streams = self._tcp_stream_service(stores, status)
        self._edge_metrics = self._metrics_of_edge()
        self._services = self._session_services(stores, passwords, throttle)
        self._probes = Probes(status)
        self._metrics = self._metrics_handler()
        self._exports = self._export_services(stores)
        self._read_routes = self._routes_of_reads(stores)
        self._audit_flusher = self._flusher(stores)

    def _login_handler(
        self,
        stores: EdgeStores,
        passwords: PasswordHashing,
        replies: SessionReplies,
        throttle: LoginThrottle,
    ) -> LoginHandler:
        return LoginHandler(
            stores.users,
            stores.sessions,
            passwords,
            replies,
            throttle,
            self._addresses,
            self._limits,
            stores.audit,
        )

    def _tcp_stream_service(self, stores: EdgeStores, status: CoreStatus) -> TcpStreamService:
        return TcpStreamService(
            self._config, stores, self._reader, self._heartbeat.responding, status
        )

    def _metrics_of_edge(self) -> EdgeMetrics:
        return EdgeMetrics(
            CoreMetrics(self._reader, self._limits),
            self._submission_policy.outcomes,
            self._sessions,
            self._unsent,
            self._tcp_streams.streams,
        )

    def _metrics_handler(self) -> MetricsHandler:
        admission = HttpAdmission(self._authorizer, self._request_limits)
        config = self._config
        return MetricsHandler(
            self._edge_metrics, admission, config.metrics_token, config.open_metrics
        )

    def _export_services(self, stores: EdgeStores) -> ExportServices:
        return ExportServices(
            exports_folder(self._config.data),
            self._authorizer,
            self._request_limits,
            self._limits,
            self._addresses,
            stores.audit,
            stores.turn,
        )

    def _routes_of_reads(self, stores: EdgeStores) -> ReadRoutes:
        services = ReadServices(
            self._authorizer,
            self._request_limits,
            self._limits,
            self._reader,
            self._heartbeat.responding,
            self._unsent,
            lambda: self._http.is_draining,
            ReadAudit(stores.audit, stores.turn, self._addresses),
        )
        return ReadRoutes(services, CrossOrigin(self._config.cors_origins))

    def _flusher(self, stores: EdgeStores) -> AuditFlusher:
        folder = self._config.folder
        return AuditFlusher(stores.audit, stores.turn, self._reader, folder, self._limits)

    def _session_services(
        self, stores: EdgeStores, passwords: PasswordHashing, throttle: LoginThrottle
    ) -> EdgeServices:
        users, sessions = stores.users, stores.sessions
        limits = LimitRequests(stores.limits, throttle, sessions, stores.audit)
        return EdgeServices(
            self._authorizer,
            self._submission_policy,
            self._request_limits,
            self._limits,
            self._heartbeat.responding,
            self._unsent,
            OwnRequests(
                AccountRequests(users, sessions, passwords, throttle, stores.audit),
                AdminRequests(users, sessions, stores.keys, passwords, stores.logins, limits),
                self._tcp_streams.requests,
                DisplayRequests(stores.displays, self._config.displays),
                self._edge_metrics,
                stores.turn,
            ),
            self._config.default_view,
        )

    def application(self) -> web.Application:
        """Build the application. Call it once."""
        hosts = HostFilter(self._config.host, self._config.allowed_hosts)
        app = web.Application(
            middlewares=[json_errors, departures, self._http.middleware, hosts.middleware()],
            client_max_size=LOGIN_MAX_BYTES,
        )
        app.on_response_prepare.append(add_security_headers)
        app.on_shutdown.append(self._close_sessions)
        app.cleanup_ctx.append(self._access_watching)
        app.cleanup_ctx.append(self._heartbeat_monitor)
        app.cleanup_ctx.append(self._request_limits.returning)
        app.cleanup_ctx.append(self._audit_flushing)
        app.cleanup_ctx.append(self._tcp_streams.looking_after)
        app.cleanup_ctx.append(self._tcp_streams.serving)
        app.router.add_post("/auth/login", self._post_login)
        app.router.add_post("/auth/refresh", self._post_refresh)
        app.router.add_get("/auth/methods", self._get_login_methods)
        if self._oidc is not None:
            self._oidc.add_routes(app)
        app.router.add_get("/ws", self._get_ws)
        add_export_routes(app, self._exports, self._read_routes.cross_origin)
        streams = StreamsRoute(self._authorizer, self._request_limits, self._tcp_streams.requests)
        app.router.add_get("/api/streams", streams.get)
        self._read_routes.add_to(app)
        app.router.add_get("/healthz", self._probes.healthz)
        app.router.add_get("/readyz", self._probes.readyz)
        app.router.add_get("/metrics", self._metrics.get)
        add_assets(app, self._config.static)
        return app

    def runner(self, shutdown_timeout_s: float) -> web.AppRunner:
        """The runner that serves the application and closes idle connections.

        aiohttp starts a keep-alive connection's timeout at the connection's start, and single bytes
        do not extend it. So `keepalive_timeout` also limits the headers of the first request.
        """
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            shutdown_timeout=shutdown_timeout_s,
            keepalive_timeout=self._limits.request_timeout_s,
            lingering_time=self._limits.lingering_s,
            auto_decompress=False,  # See edge/nova/edge/bodies.py.
        )
        self._tcp_streams.address.runner = runner
        return runner

    async def drain(self) -> None:
        """Listen no longer, and let every connection end when its requests are answered."""
        self._http.begin()
        runner = self._tcp_streams.address.runner
        for site in () if runner is None else tuple(runner.sites):
            await site.stop()
        await asyncio.gather(*(session.drain() for session in self._sessions))
        await self._http.finished()

    async def _post_login(self, request: web.Request) -> web.StreamResponse:
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", FOREIGN_PAGE)
        try:
            async with asyncio.timeout(self._limits.request_timeout_s):
                await request.read()
        except TimeoutError:
            return error_reply(408, "badRequest", BODY_TIMEOUT)
        await self._turn.wait()
        return await self._login.post(request)

    async def _post_refresh(self, request: web.Request) -> web.StreamResponse:
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", FOREIGN_PAGE)
        if self._cookies.refresh in request.cookies:
            await self._turn.wait()
        return await self._refresh.post(request)

    async def _get_login_methods(self, _: web.Request) -> web.StreamResponse:
        """What the login page offers besides a password; 204 for nothing."""
        if self._oidc is None:
            return web.Response(status=204, headers=NO_STORE)
        return json_reply(200, self._oidc.methods())

    async def _get_ws(self, request: web.Request) -> web.StreamResponse:
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", FOREIGN_PAGE)
        if self._unsent.is_full:
            return error_reply(503, "busy", TOO_MANY_UNSENT, RETRY_AFTER)
        client = self._addresses.client_of(request)
        address = rate_limit_key(client)
        if not self._sessions.make_room(address):
            log.info(
                "connection refused: limit reached",
                extra={"context": {"sessions": len(self._sessions)}},
            )
            return error_reply(503, "tooManyConnections", TOO_MANY_CONNECTIONS, RETRY_AFTER)
        return await self._session(request, address, client)

    async def _session(self, request: web.Request, address: str, client: str) -> web.StreamResponse:
        ws: web.WebSocketResponse[Literal[False]] = web.WebSocketResponse(
            heartbeat=self._limits.heartbeat_s,
            timeout=self._limits.close_timeout_s,
            compress=True,
            # aiohttp refuses messages of this size, so the limit itself must still pass.
            max_msg_size=REQUEST_MAX_BYTES + 1,
            decode_text=False,
        )
        upstream = Upstream(self._reader, self._limits)
        session = EdgeSession(ws, request, upstream, self._services, client)
        self._sessions.add(session, address)
        try:
            await ws.prepare(request)
            await session.run()
        finally:
            self._sessions.discard(session)
        return ws

    async def _access_watching(self, _: web.Application) -> AsyncIterator[None]:
        """End sessions whose access does not hold any more, while the application runs."""
        watch = AccessWatch(self._users, self._authorizer, self._sessions, self._limits)
        async with background_task(watch.run()):
            yield

    async def _heartbeat_monitor(self, _: web.Application) -> AsyncIterator[None]:
        """Monitor the reader's heartbeat while the application runs."""
        async with background_task(self._heartbeat.run()):
            yield

    async def _audit_flushing(self, _: web.Application) -> AsyncIterator[None]:
        """Hand audit entries to the Core while the application runs."""
        async with background_task(self._audit_flusher.run()):
            yield

    def _drop_reader(self) -> None:
        for session in self._sessions:
            session.drop_reader()
        self._read_routes.drop_reader()
        self._tcp_streams.drop_reader()

    async def _close_sessions(self, _: web.Application) -> None:
        going = (one.close(WSCloseCode.GOING_AWAY.value) for one in self._sessions)
        await asyncio.gather(*going, return_exceptions=True)
