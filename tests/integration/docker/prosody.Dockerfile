# Prosody of Debian; its configuration comes with the mounted scratch folder.
FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prosody lua-unbound lua-event \
 && rm -rf /var/lib/apt/lists/*
USER prosody
