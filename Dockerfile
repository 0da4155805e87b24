# NOVA in one image: the web pages and the Python environment are built in stages of their own, and
# only what runs is in the last one.

FROM node:24-trixie-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.13-slim-trixie AS environment
RUN python -m venv /opt/nova
WORKDIR /src
COPY requirements.runtime.lock ./
RUN /opt/nova/bin/pip install --no-cache-dir --require-hashes -r requirements.runtime.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY core core
COPY edge edge
COPY sdk sdk
COPY transport_kafka transport_kafka
COPY transport_mqtt transport_mqtt
COPY transport_nats transport_nats
COPY --from=web /src/edge/nova/edge/static edge/nova/edge/static
RUN /opt/nova/bin/pip install --no-cache-dir --no-deps ./sdk .

FROM python:3.13-slim-trixie
# Numbers, so that an orchestrator can see that it is not root and hosts can own bind mounts.
RUN groupadd --gid 10001 nova \
  && useradd --uid 10001 --gid nova --no-create-home --home-dir /nonexistent nova \
  && install --directory --owner nova --group nova --mode 0700 /data
COPY --from=environment /opt/nova /opt/nova
ENV PATH=/opt/nova/bin:$PATH \
    NOVA_DATA=/data \
    NOVA_LISTEN=0.0.0.0:8800
USER 10001:10001
VOLUME /data
EXPOSE 8800
# By http.client, which never asks a proxy.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import http.client, sys; edge = http.client.HTTPConnection('127.0.0.1', 8800, timeout=4); edge.request('GET', '/readyz'); sys.exit(edge.getresponse().status != 200)"]
ENTRYPOINT ["nova"]
CMD ["up"]
