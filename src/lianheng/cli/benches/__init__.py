"""What `lianheng bench` measures: one file a measurement, the workload's contract beside them.

A bench says on which machine and with which workload it ran, and counts drops and refusals; a
figure without these is worth nothing.
"""
