"""Statistical process control: charts, rules, capability, and the study of gauges."""
