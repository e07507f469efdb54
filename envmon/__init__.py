"""envmon: air and water compliance monitoring for an environment bureau."""

__version__ = "0.1.0"
