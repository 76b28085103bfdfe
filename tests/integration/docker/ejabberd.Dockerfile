# ejabberd of Debian with the module that the gateway needs, built in the image as an operator would build it.
FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ejabberd \
 && rm -rf /var/lib/apt/lists/*
COPY conf/ejabberd/mod_route_gateway.erl /tmp/
RUN E=$(ls -d /usr/lib/*/ejabberd-[0-9]*/ebin | head -n 1) \
 && erlc -pa "$E" -I "$E/../include" -o "$E" /tmp/mod_route_gateway.erl
USER ejabberd
