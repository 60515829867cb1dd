# The server, its page and the clean-up in one image. Another base image with Python >= 3.11: --build-arg BASE=...
ARG BASE=python:3.12-slim

FROM ${BASE} AS built
# All that the lock names, checked against its hashes; from here on no index is asked. This is where Node.js comes from.
COPY requirements.lock /tmp/
RUN python -m pip download --no-cache-dir --require-hashes --only-binary :all: --dest /wheels \
        --requirement /tmp/requirements.lock
# The wheel with the built page in it.
WORKDIR /src
COPY . .
RUN python -m pip wheel --no-index --find-links /wheels --no-deps --wheel-dir /wheels .
# Everything that runs, in one folder, and nothing that only builds or tests.
RUN python -m venv --without-pip /opt/genet \
    && python -m pip --python /opt/genet/bin/python install --no-cache-dir --no-index --find-links /wheels \
        "genet-platform[server]" \
    && /opt/genet/bin/genet --version

FROM ${BASE}
LABEL org.opencontainers.image.title="Genet" \
      org.opencontainers.image.description="Self-service GPU platform on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing in the running image installs anything.
RUN python -m pip uninstall --yes --root-user-action ignore pip
COPY --from=built /opt/genet /opt/genet
ENV PATH=/opt/genet/bin:${PATH} \
    PYTHONUNBUFFERED=1
# A number, so that Kubernetes can check runAsNonRoot without reading /etc/passwd.
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["genet"]
