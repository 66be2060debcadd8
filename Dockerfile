FROM python:3.13-slim AS build
WORKDIR /src
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PROJECT_ENVIRONMENT=/opt/hedgerow UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.8
COPY pyproject.toml uv.lock README.md LICENSE NOTICE ./
RUN uv sync --frozen --no-default-groups --no-install-project
COPY engine engine
COPY model model
COPY quant quant
COPY sleeves sleeves
COPY config config
COPY state state
COPY actors actors
COPY ports ports
COPY simulation simulation
COPY research research
COPY app app
RUN uv sync --frozen --no-default-groups --no-editable

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data hedgerow && install --directory --owner=hedgerow --mode=0750 /data
COPY --from=build /opt/hedgerow /opt/hedgerow
ENV PATH=/opt/hedgerow/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
USER hedgerow
WORKDIR /data
VOLUME ["/data", "/tmp"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["hedgerow", "status", "--health"]
ENTRYPOINT ["hedgerow"]
CMD ["--help"]
