# docker build -t adrank . ; docker run --read-only -p 8080:8080 -p 127.0.0.1:8081:8081 adrank
# Your own configuration: -v /path/to/etc:/etc/adrank:ro and the arguments -c /etc/adrank/adrankd.json
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN scripts/setup build \
    && cmake --preset release -B /build -DADRANK_WERROR=OFF \
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
USER 10001
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["/opt/adrank/bin/adrankd", "--probe", "ready"]
ENTRYPOINT ["/opt/adrank/bin/adrankd"]
CMD ["--set", "http.address=0.0.0.0:8080", "--set", "admin.address=0.0.0.0:8081"]
