# The suite's one image; the first argument says which service it is: `docker run IMAGE identity --config …`.
# The base's digest is looked up where the image is built (`docker buildx imagetools inspect NAME`), never invented:
# with the placeholder nothing is built, and `make release-check` refuses it.
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm@sha256:PLACEHOLDER

FROM ${PYTHON} AS built
WORKDIR /build
COPY requirements.lock .
# Wheels alone, and only those whose hashes are locked: nothing is compiled, no script of a package runs.
RUN python -m venv --without-pip /opt/veilgraph \
 && pip --python /opt/veilgraph/bin/python install --no-cache-dir --no-compile --only-binary :all: \
      --require-hashes -r requirements.lock \
 && pip --python /opt/veilgraph/bin/python uninstall --yes setuptools

FROM ${PYTHON}
# What installs packages stays out of the result.
RUN pip uninstall --yes --no-cache-dir setuptools wheel pip \
 && rm -rf /usr/local/lib/python3.11/ensurepip /root/.cache
COPY --from=built /opt/veilgraph /opt/veilgraph
WORKDIR /srv/veilgraph
COPY deploy/envoy deploy/envoy
COPY docs/openapi.json docs/openapi.json
COPY protos/veilgraph protos/veilgraph
COPY identity identity
COPY consent consent
COPY engagement engagement
COPY recommender recommender
COPY services services
ENV PATH=/opt/veilgraph/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/srv/veilgraph:/srv/veilgraph/protos \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["python", "-m", "services"]
CMD ["--help"]
