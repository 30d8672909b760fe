"""Tools for who writes contracts: check, test, gas, coverage, interface, diff. One file each."""
