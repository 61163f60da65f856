# A recognizer in a container, for aarch64 and x86-64; on the CPU, with USB and network cameras (no GStreamer, Argus or GPU):
#   docker build -t edgelens .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --device /dev/video0 --group-add video \
#     -p 127.0.0.1:8080:8080 -v edgelens:/state edgelens run --source 0 --preview 0.0.0.0:8080
FROM python:3.11-slim-bookworm

COPY . /src
RUN pip install --no-cache-dir "/src[device,live,mqtt]" -c /src/constraints.txt \
    && rm -rf /src \
    && useradd --system --uid 10001 --user-group --no-create-home edgelens \
    && install -d -o edgelens -g edgelens /state

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STATE_DIRECTORY=/state RUNTIME_DIRECTORY=/tmp/edgelens
USER 10001:10001
WORKDIR /state
VOLUME /state
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["edgelens", "status"]
ENTRYPOINT ["edgelens"]
CMD ["serve", "digits", "--preview", "0.0.0.0:8080"]
