"""What needs no OCR: a PDF's own text where it agrees with what is drawn, HTML, plain text, electronic invoices."""
