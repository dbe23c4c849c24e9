# The desk in a container; docs/how-to/container.md says how to run it.

FROM python:3.13-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build

# Wheels alone, each by its hash: no compiler is needed and no set-up script runs.
# What only builds has an environment of its own, which is left behind.
COPY requirements-build.lock requirements-run.lock ./
RUN python -m venv --without-pip /opt/build \
 && python -m venv --without-pip /opt/harkara \
 && pip --python /opt/build/bin/python install --quiet --only-binary :all: \
      --require-hashes --requirement requirements-build.lock \
 && pip --python /opt/harkara/bin/python install --quiet --only-binary :all: \
      --require-hashes --requirement requirements-run.lock

COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
COPY storage storage
RUN pip --python /opt/build/bin/python wheel --quiet --no-deps --no-build-isolation \
      --wheel-dir /build/wheels . \
 && pip --python /opt/harkara/bin/python install --quiet --no-deps --no-index \
      /build/wheels/*.whl


FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="Harkara" \
      org.opencontainers.image.description="A self-hosted news distribution desk for Telegram and WhatsApp" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number that the host can give rights to; a user's name means nothing there.
RUN groupadd --gid 10001 harkara \
 && useradd --no-log-init --no-create-home --home-dir /data --shell /usr/sbin/nologin \
      --uid 10001 --gid 10001 harkara \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data

COPY --from=build /opt/harkara /opt/harkara

# Compiled when it was installed; nothing is written outside /data while it runs.
ENV PATH=/opt/harkara/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PTB_TIMEDELTA=1 \
    HARKARA_DATABASE=/data/harkara.db \
    HARKARA_LISTEN=0.0.0.0:8080

WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=15s --timeout=12s --start-period=60s --retries=3 \
  CMD ["harkara", "health"]
CMD ["harkara", "run", "--upgrade"]
