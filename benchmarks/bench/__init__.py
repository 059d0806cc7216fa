"""What orchestration costs beside the OCR: throughput, CPU, latency, backlog, sweep, against baselines in one run."""
