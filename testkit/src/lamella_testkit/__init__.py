"""The conformance test kit for Lamella format plugins."""
