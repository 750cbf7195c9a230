# Two images of one program:
#
#   docker build -t tag-compliance .                              everything; the default command is `up`
#   docker build -t tag-compliance-exporter --target exporter .   `serve` alone: no Dagster, no pandas
#
# The build needs a package index and a base image with Python 3.11 or newer, its `venv` and pip. Pin the base by
# digest for reproducible builds: --build-arg PYTHON_IMAGE=python:3.13-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm


# ---- For both builds: an environment without pip; the pip of the base image installs into it.
FROM ${PYTHON_IMAGE} AS builder
ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/tag-compliance
WORKDIR /build


# ---- All libraries, in the versions of the lock file; only wheels, so that no compiler is needed.
FROM builder AS libraries
COPY requirements.txt .
RUN python3 -m pip --python /opt/tag-compliance/bin/python install --no-cache-dir --no-compile \
        --no-deps --require-hashes --only-binary :all: -r requirements.txt
# Removed: the tests of the libraries, files for compilers, and two parts that are never imported (Arrow's network
# protocol and the asynchronous Kubernetes client). Bytecode is compiled here because the file system may be read-only
# later; it is unchecked because files in an image do not change.
WORKDIR /opt/tag-compliance/lib
RUN find . -path '*/numpy*/tests' -prune -exec rm -rf {} + \
    && rm -rf python3*/site-packages/pandas/tests python3*/site-packages/pyarrow/tests \
        python3*/site-packages/pyarrow/include python3*/site-packages/pyarrow/src \
        python3*/site-packages/pyarrow/*flight* \
        python3*/site-packages/kubernetes/aio \
    && find . '(' -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.js.map' ')' -delete \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash .


# ---- The libraries of the exporter.
FROM builder AS exporter-libraries
COPY requirements-exporter.txt .
RUN python3 -m pip --python /opt/tag-compliance/bin/python install --no-cache-dir --no-compile \
        --no-deps --require-hashes --only-binary :all: -r requirements-exporter.txt
# botocore has data for about 400 services; the exporter needs S3 and the services that provide credentials.
WORKDIR /opt/tag-compliance/lib
RUN find python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} + \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash .


# ---- The program: the files that its installation adds, relative to the root.
FROM exporter-libraries AS program
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY tag_compliance tag_compliance
RUN python3 -m pip --python /opt/tag-compliance/bin/python install --no-cache-dir --no-compile \
        --no-deps --no-index --no-build-isolation --root /program --prefix /opt/tag-compliance . \
    && python3 -m compileall -q -s /program --invalidation-mode unchecked-hash /program
COPY scripts/container-entrypoint.sh /program/usr/local/bin/container-entrypoint
COPY scripts/container-health.py /program/usr/local/bin/container-health


# ---- The base of both images.
FROM ${PYTHON_IMAGE} AS base
# A numeric user, as Kubernetes requires; the line gives it a name, which some libraries look up. The program writes
# only to /app/state and /tmp.
RUN echo 'tag-compliance:x:10001:10001::/app:/sbin/nologin' >> /etc/passwd \
    && mkdir -p /app/state \
    && chown 10001:10001 /app/state
ENV PATH=/opt/tag-compliance/bin:$PATH \
    HOME=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
# dumb-init is PID 1. It forwards SIGTERM, which a `scan` as PID 1 would ignore, and it reaps run workers whose parent
# has exited.
ENTRYPOINT ["dumb-init", "--single-child", "--", "container-entrypoint"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Checks that the exporter responds, not that the last scan succeeded, because a restart cannot fix a scan. Commands
# other than `up` and `serve` exit before the start period ends.
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
      org.opencontainers.image.description="Finds AWS resources that break the company's tagging rules."
COPY --from=libraries /opt/tag-compliance /opt/tag-compliance
COPY --from=program /program /
# Nobody outside a container can reach its loopback address; publishing the port decides who has access. `up` and `scan`
# set the other variable, but the containers of a pod and the Jobs of runs start Dagster directly.
ENV TAG_COMPLIANCE_UI_HOST=0.0.0.0 \
    DAGSTER_EVENT_BATCH_SIZE=1000
EXPOSE 3000
CMD ["up"]
