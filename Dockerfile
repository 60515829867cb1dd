# The server, its page and the clean-up in one image. Another base image with Python >= 3.11: --build-arg BASE=...
ARG BASE=python:3.12-slim

# The wheel with the built page in it. Node.js is a build dependency of the wheel: no image of its own is needed.
FROM ${BASE} AS wheel
WORKDIR /src
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

# Everything that runs, in one folder: the locked dependencies first, for they change least.
FROM ${BASE} AS installed
RUN python -m venv --without-pip /opt/genet
COPY requirements.lock /tmp/
RUN python -m pip --python /opt/genet/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
        --requirement /tmp/requirements.lock
COPY --from=wheel /wheels /wheels
RUN python -m pip --python /opt/genet/bin/python install --no-cache-dir --no-index --no-deps /wheels/*.whl \
    && python -m pip --python /opt/genet/bin/python check \
    && /opt/genet/bin/genet --version

FROM ${BASE}
LABEL org.opencontainers.image.title="Genet" \
      org.opencontainers.image.description="Self-service GPU platform on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing in the running image installs anything.
RUN python -m pip uninstall --yes pip
COPY --from=installed /opt/genet /opt/genet
ENV PATH=/opt/genet/bin:${PATH} \
    PYTHONUNBUFFERED=1
# A number, so that Kubernetes can check runAsNonRoot without reading /etc/passwd.
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["genet"]
