# The package with every extra but `train`, from the lock file. docs/install.md says how to run it.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY requirements-all.lock ./
RUN python -m venv --without-pip /opt/nextclose
RUN pip --python /opt/nextclose/bin/python install --no-cache-dir --require-hashes \
    --only-binary=:all: -r requirements-all.lock
COPY pyproject.toml README.md LICENSE MANIFEST.in CHANGELOG.md ./
COPY src ./src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .
RUN pip --python /opt/nextclose/bin/python install --no-cache-dir --no-index --no-deps /dist/*.whl
RUN pip --python /opt/nextclose/bin/python check

FROM python:${PYTHON}-slim
COPY --from=build /opt/nextclose /opt/nextclose
RUN pip uninstall --yes pip
# runs belong to whoever the container runs as: another --user brings a folder of its own
RUN mkdir -p /work/runs && chown -R 10001:10001 /work
ENV PATH=/opt/nextclose/bin:$PATH \
    HOME=/tmp \
    TMPDIR=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /work
VOLUME /work/runs
RUN nextclose --help > /dev/null
ENTRYPOINT ["nextclose"]
CMD ["--help"]
