"""What orchestration costs beside the OCR: throughput, CPU, latency, backlog and sweep, against baselines in one run."""
