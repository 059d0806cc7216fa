# syntax=docker/dockerfile:1
# receiptflow in one image: the whole embedded stack by default, or one part of a split one (compose.yaml).
# linux/amd64; on linux/arm64 where every locked wheel exists.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/receiptflow \
 && /opt/receiptflow/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY flows flows
COPY blocks blocks
COPY deployments deployments
RUN /opt/receiptflow/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
# OpenCV and OpenVINO load these; prefork needs an init that reaps, which tini is; other scripts are read by these data.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libglib2.0-0 libgomp1 tini \
      tesseract-ocr-rus tesseract-ocr-ell tesseract-ocr-ara tesseract-ocr-heb tesseract-ocr-kor tesseract-ocr-tha tesseract-ocr-hin \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home receiptflow \
 && install -d -o receiptflow -g receiptflow /data
COPY --from=build /opt/receiptflow /opt/receiptflow
ENV PATH=/opt/receiptflow/bin:$PATH RECEIPTFLOW_DATA_DIR=/data PYTHONUNBUFFERED=1
# By its number, so that Kubernetes can tell that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
# Not `receiptflow status`, which imports what costs seconds of CPU each time.
HEALTHCHECK --interval=30s --timeout=20s --start-period=300s --retries=3 CMD ["python", "-I", "-S", "-c", "import json, os, urllib.request as u; assert json.load(u.urlopen(f\"http://127.0.0.1:{int(os.environ.get('RECEIPTFLOW_PORT', 4200)) + 1}/ready\", timeout=15))['prefect']"]
ENTRYPOINT ["tini", "--"]
CMD ["receiptflow", "up"]
