# docker build -t adrank . ; docker run --read-only --stop-timeout 30 -p 8080:8080 adrank
# A stop drains for up to http.drain_max_ms (25 s): a shorter time than that cuts it off. Your own
# configuration: -v /path/to/etc:/etc/adrank:ro with an adrankd.json in it, http.address
# 0.0.0.0:8080 as in config/docker/. The admin listener, which can drain and reload, stays on the
# container's loopback, where the health check asks it; README.md says how to let Prometheus in.
# Arguments go on to adrankd; addresses belong in the file, where the health check looks them up.
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/setup scripts/packages scripts/usage scripts/
RUN scripts/setup build
COPY . .
RUN cmake --preset release -B /build -DADRANK_WERROR=OFF \
    && cmake --build /build --target programs \
    && cmake --install /build --prefix /opt/adrank --strip

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libdnnl2 libevent-2.1-7 libevent-pthreads-2.1-7 libhiredis0.14 libjansson4 libssl3 \
        libutf8proc2 libxxhash0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin adrank
COPY --from=build /opt/adrank /opt/adrank
COPY config/docker/ /etc/adrank/
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["/opt/adrank/bin/adrankd", "--probe", "ready", "-c", "/etc/adrank/adrankd.json"]
ENTRYPOINT ["/opt/adrank/bin/adrankd", "-c", "/etc/adrank/adrankd.json"]
