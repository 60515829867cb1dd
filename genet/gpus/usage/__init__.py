"""Who held how much and how busy it was: now (`holders`, `gauges`) and, asked of Prometheus, in the past."""
