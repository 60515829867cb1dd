"""What the exporters on the nodes say, as the Prometheus that scrapes them sees it: one file per exporter."""
