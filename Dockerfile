# docker build -t adrank . ; docker run --read-only --stop-timeout 30 -p 8080:8080 adrank
# A stop drains for up to http.drain_max_ms (25 s): a shorter time than that cuts it off. Your own
# configuration: -v /path/to/etc:/etc/adrank:ro with an adrankd.json in it, http.address
# 0.0.0.0:8080 as in config/docker/. The admin listener, which can drain and reload, stays on the
# container's loopback, where the health check asks it; README.md says how to let Prometheus in.
# Arguments go on to adrankd; addresses belong in the file, where the health check looks them up.
#
# For an NVIDIA GPU: docker build --target cuda -t adrank:cuda . ; docker run --gpus all --ulimit
# memlock=-1 and the rest as above, on a host with NVIDIA's container toolkit and a driver for CUDA
# 13 (580 or newer).
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/setup scripts/packages scripts/usage scripts/
RUN scripts/setup build
COPY . .
RUN cmake --preset release -B /build -DADRANK_WERROR=OFF \
    && cmake --build /build --target programs \
    && cmake --install /build --prefix /opt/adrank --strip

# NVIDIA's packages of one CUDA release. The module is built with its compiler; cuBLASLt is all that
# runs beside it.
FROM build AS build-cuda
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl \
    && curl -fsSL -o /cuda-keyring.deb https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/cuda-keyring_1.1-1_all.deb \
    && dpkg -i /cuda-keyring.deb && apt-get update \
    && apt-get install -y --no-install-recommends cuda-nvcc-13-0 cuda-cudart-dev-13-0 libcublas-dev-13-0
RUN cmake --preset release -B /build -DADRANK_WERROR=OFF -DADRANK_CUDA=ON -DCUDAToolkit_ROOT=/usr/local/cuda-13.0 \
    && cmake --build /build --target programs \
    && cmake --install /build --prefix /opt/adrank --strip

FROM debian:12-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libdnnl2 libevent-2.1-7 libevent-pthreads-2.1-7 libhiredis0.14 libjansson4 libssl3 \
        libutf8proc2 libxxhash0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin adrank
COPY config/docker/ /etc/adrank/
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["/opt/adrank/bin/adrankd", "--probe", "ready", "-c", "/etc/adrank/adrankd.json"]
ENTRYPOINT ["/opt/adrank/bin/adrankd", "-c", "/etc/adrank/adrankd.json"]

FROM runtime AS cuda
USER root
COPY --from=build-cuda /cuda-keyring.deb /tmp/
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
    && dpkg -i /tmp/cuda-keyring.deb && apt-get update \
    && apt-get install -y --no-install-recommends libcublas-13-0 \
    && rm -rf /var/lib/apt/lists/* /tmp/*.deb
COPY --from=build-cuda /opt/adrank /opt/adrank
USER 10001
# What the container toolkit brings in of the driver: CUDA, and the management library for metrics.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The last is what is built without --target.
FROM runtime AS processor
COPY --from=build /opt/adrank /opt/adrank
