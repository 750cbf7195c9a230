# Two images of one program:
#
#   docker build -t tag-compliance .                              everything; the default command is `up`
#   docker build -t tag-compliance-exporter --target exporter .   `serve` alone: no Dagster, no pandas
#
# Only a base image with Python 3.11 or newer, its `venv` and pip is needed, and a package index. Pin the
# base by digest where builds must repeat: --build-arg PYTHON_IMAGE=python:3.13-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm


# ---- What both builds share: an environment without pip in it, filled by the base's pip.
FROM ${PYTHON_IMAGE} AS builder
ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/tag-compliance
WORKDIR /build


# ---- The whole program's libraries, as the lock file has them; wheels only, so that no compiler is needed.
FROM builder AS libraries
COPY requirements.txt .
RUN python3 -m pip --python /opt/tag-compliance/bin/python install --no-cache-dir --no-compile \
        --no-deps --require-hashes --only-binary :all: -r requirements.txt
# Left out: the libraries' own tests, what only compilers read, and two parts that are never imported:
# Arrow's network protocol and the asynchronous half of the Kubernetes client. Bytecode is made here, since
# the file system may be read-only later; unchecked, since nothing changes in an image.
WORKDIR /opt/tag-compliance/lib
RUN find . -path '*/numpy*/tests' -prune -exec rm -rf {} + \
    && rm -rf python3*/site-packages/pandas/tests python3*/site-packages/pyarrow/tests \
        python3*/site-packages/pyarrow/include python3*/site-packages/pyarrow/src \
        python3*/site-packages/pyarrow/*flight* \
        python3*/site-packages/kubernetes/aio \
    && find . '(' -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.js.map' ')' -delete \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash .


# ---- The exporter's libraries.
FROM builder AS exporter-libraries
COPY requirements-exporter.txt .
RUN python3 -m pip --python /opt/tag-compliance/bin/python install --no-cache-dir --no-compile \
        --no-deps --require-hashes --only-binary :all: -r requirements-exporter.txt
# botocore describes some 400 services; reading snapshots needs S3 and what finds credentials.
WORKDIR /opt/tag-compliance/lib
RUN find python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} + \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash .


# ---- The program itself: what an installation adds to the environment, laid out from the root.
FROM exporter-libraries AS program
WORKDIR /build
COPY pyproject.toml README.md ./
COPY tag_compliance tag_compliance
RUN python3 -m pip --python /opt/tag-compliance/bin/python install --no-cache-dir --no-compile \
        --no-deps --no-index --no-build-isolation --root /program --prefix /opt/tag-compliance . \
    && python3 -m compileall -q -s /program --invalidation-mode unchecked-hash /program
COPY scripts/container-entrypoint.sh /program/usr/local/bin/container-entrypoint
COPY scripts/container-health.py /program/usr/local/bin/container-health


# ---- What both images share at run time.
FROM ${PYTHON_IMAGE} AS base
# A numeric user, as Kubernetes asks for; the line gives it the name that some libraries look up. State is
# all that is ever written, /tmp aside.
RUN echo 'tag-compliance:x:10001:10001::/app:/sbin/nologin' >> /etc/passwd \
    && mkdir -p /app/state \
    && chown 10001:10001 /app/state
ENV PATH=/opt/tag-compliance/bin:$PATH \
    HOME=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
# dumb-init is PID 1: it passes SIGTERM on, also to a `scan`, which as PID 1 would not feel it, and it reaps
# run workers whose parent has gone.
ENTRYPOINT ["dumb-init", "--single-child", "--", "container-entrypoint"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# Whether the exporter answers, not whether the last scan was good: a restart would not heal that. Other
# commands than `up` and `serve` end before it counts.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["container-health"]
EXPOSE 8080


# ---- Image: the exporter.
FROM base AS exporter
LABEL org.opencontainers.image.title="tag-compliance-exporter" \
      org.opencontainers.image.description="Serves the newest snapshot of AWS tag compliance to Prometheus."
COPY --from=exporter-libraries /opt/tag-compliance /opt/tag-compliance
COPY --from=program /program /
CMD ["serve"]


# ---- Image: everything.
FROM base AS runtime
LABEL org.opencontainers.image.title="tag-compliance" \
      org.opencontainers.image.description="Tells which AWS resources break the company's tagging rules."
COPY --from=libraries /opt/tag-compliance /opt/tag-compliance
COPY --from=program /program /
# Inside a container, loopback would be nobody's: who reaches the port is decided where it is published.
# The other two keep Dagster's event log small, as `up` and `scan` do; in a pod of several containers, and in
# a run's own Job, nobody else would say so.
ENV TAG_COMPLIANCE_UI_HOST=0.0.0.0 \
    DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS=true \
    DAGSTER_EVENT_BATCH_SIZE=1000
EXPOSE 3000
CMD ["up"]
